package e2e_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hotswap/hotswap/web/pace"
	"github.com/hotswap/hotswap/web/webtest"
)

// sdk is a Node process in which the OpenFeature SDK evaluates flags as an application does, with one client for each
// of several API keys.
type sdk struct {
	t   testing.TB
	in  io.Writer
	out *bufio.Scanner
}

// newSDK starts it; it ends with the test.
func newSDK(t testing.TB, url string, clients map[string]string) *sdk {
	t.Helper()
	if _, err := os.Stat("openfeature/node_modules"); err != nil {
		t.Fatalf("the SDK is not installed, `make test` does it: %v", err)
	}
	keys, err := json.Marshal(clients)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "openfeature/evaluate.mjs")
	cmd.Env = append(os.Environ(), "HOTSWAP_URL="+url, "HOTSWAP_CLIENTS="+string(keys))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("the OpenFeature SDK needs node: %v", err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		_ = cmd.Wait() // a test that failed ends it by its context
	})
	return &sdk{t, in, bufio.NewScanner(out)}
}

// evaluation is what an application asks its SDK.
type evaluation struct {
	Client  string         `json:"client"`
	Type    string         `json:"type"`
	Flag    string         `json:"flag"`
	Default any            `json:"default"`
	Context map[string]any `json:"context,omitempty"`
}

// details are what it is told.
type details struct {
	Value     any            `json:"value"`
	Reason    string         `json:"reason"`
	Variant   string         `json:"variant"`
	ErrorCode string         `json:"errorCode"`
	Message   string         `json:"errorMessage"`
	Metadata  map[string]any `json:"flagMetadata"`

	// Of an evaluation of all flags.
	Status int      `json:"httpStatus"`
	Tag    string   `json:"tag"`
	Keys   []string `json:"keys"`
}

func (s *sdk) evaluate(e evaluation) (d details) {
	s.t.Helper()
	if err := json.NewEncoder(s.in).Encode(e); err != nil {
		s.t.Fatalf("ask the SDK: %v", err)
	}
	if !s.out.Scan() {
		s.t.Fatalf("the SDK ended: %v", s.out.Err())
	}
	if err := json.Unmarshal(s.out.Bytes(), &d); err != nil {
		s.t.Fatalf("the SDK says %s: %v", s.out.Bytes(), err)
	}
	return d
}

// TestOpenFeature has the OpenFeature SDK and its OFREP provider evaluate flags.
func TestOpenFeature(t *testing.T) {
	t.Parallel()
	s := dev(t)
	makeTenant(s, "acme-corp", "Enterprise")
	makeTenant(s, "globex", "Free")
	for _, body := range []string{
		`{"tenantId":"acme-corp","key":"dashboard.new","value":true,"environment":"Development"}`,
		`{"tenantId":"acme-corp","key":"theme","value":"dark \"mode\" é","environment":"Development"}`,
		`{"tenantId":"acme-corp","key":"limit","value":12.5,"environment":"Development"}`,
		`{"tenantId":"acme-corp","key":"layout","type":"json","value":{"columns":[1,2,{"wide":true}],"title":null},"environment":"Development"}`,
		`{"tenantId":"acme-corp","key":"theme","value":"light","environment":"Staging"}`,
		`{"tenantId":"globex","key":"theme","value":"plain","environment":"Development"}`,
	} {
		s.as("engineer").post("/configs", body).want(http.StatusCreated)
	}
	revoked := s.as("admin").post("/api-keys", `{"name":"gone","role":"reader"}`).want(http.StatusCreated)
	s.as("admin").do("DELETE", "/api-keys/"+revoked.text("id"), nil).want(http.StatusNoContent)
	key := func(body string) string {
		return s.as("admin").post("/api-keys", body).want(http.StatusCreated).text("key")
	}
	app := newSDK(t, s.URL, map[string]string{
		"all":     s.APIKeys["app"],
		"acme":    key(`{"name":"acme","role":"reader","tenantId":"acme-corp","environment":"Development"}`),
		"tenant":  key(`{"name":"tenant","role":"reader","tenantId":"acme-corp"}`),
		"globex":  key(`{"name":"globex","role":"reader","tenantId":"globex","environment":"Development"}`),
		"revoked": revoked.text("key"),
	})

	acme := map[string]any{"tenantId": "acme-corp", "environment": "Development", "targetingKey": "user-1", "plan": map[string]any{"seats": 5}}
	layout := map[string]any{"columns": []any{1.0, 2.0, map[string]any{"wide": true}}, "title": nil}
	for name, test := range map[string]struct {
		ask    evaluation
		value  any
		reason string
		code   string
	}{
		"boolean":                    {evaluation{"acme", "boolean", "dashboard.new", false, nil}, true, "STATIC", ""},
		"string":                     {evaluation{"acme", "string", "theme", "none", nil}, `dark "mode" é`, "STATIC", ""},
		"number":                     {evaluation{"acme", "number", "limit", 1, nil}, 12.5, "STATIC", ""},
		"object":                     {evaluation{"acme", "object", "layout", map[string]any{}, nil}, layout, "STATIC", ""},
		"with a context of its own":  {evaluation{"acme", "boolean", "dashboard.new", false, acme}, true, "STATIC", ""},
		"missing":                    {evaluation{"acme", "boolean", "never.set", true, nil}, true, "ERROR", "FLAG_NOT_FOUND"},
		"no key at all":              {evaluation{"acme", "string", "No Key", "none", nil}, "none", "ERROR", "FLAG_NOT_FOUND"},
		"number for a boolean":       {evaluation{"acme", "boolean", "limit", true, nil}, true, "ERROR", "TYPE_MISMATCH"},
		"string for a number":        {evaluation{"acme", "number", "theme", 7, nil}, 7.0, "ERROR", "TYPE_MISMATCH"},
		"boolean for an object":      {evaluation{"acme", "object", "dashboard.new", map[string]any{"a": 1}, nil}, map[string]any{"a": 1.0}, "ERROR", "TYPE_MISMATCH"},
		"one tenant":                 {evaluation{"globex", "string", "theme", "none", nil}, "plain", "STATIC", ""},
		"another's":                  {evaluation{"globex", "string", "theme", "none", acme}, "none", "ERROR", "FLAG_NOT_FOUND"},
		"all tenants":                {evaluation{"all", "string", "theme", "none", acme}, `dark "mode" é`, "STATIC", ""},
		"all tenants, another":       {evaluation{"all", "string", "theme", "none", map[string]any{"tenantId": "globex", "environment": "Development"}}, "plain", "STATIC", ""},
		"all tenants, nothing named": {evaluation{"all", "string", "theme", "none", nil}, "none", "ERROR", "INVALID_CONTEXT"},
		"one tenant, another place":  {evaluation{"tenant", "string", "theme", "none", map[string]any{"environment": "Staging"}}, "light", "STATIC", ""},
		"one tenant, no place":       {evaluation{"tenant", "string", "theme", "none", nil}, "none", "ERROR", "INVALID_CONTEXT"},
		"revoked":                    {evaluation{"revoked", "string", "theme", "none", acme}, "none", "ERROR", "GENERAL"},
	} {
		got := app.evaluate(test.ask)
		if diff := cmp.Diff(test.value, got.Value); diff != "" || got.Reason != test.reason || got.ErrorCode != test.code {
			t.Errorf("%s: %+v, want %v %s %s", name, got, test.value, test.reason, test.code)
		}
	}

	all := app.evaluate(evaluation{Client: "acme", Type: "all"})
	if diff := cmp.Diff([]string{"dashboard.new", "layout", "limit", "theme"}, all.Keys); diff != "" || all.Status != http.StatusOK {
		t.Errorf("all flags: %+v", all)
	}
	if again := app.evaluate(evaluation{Client: "acme", Type: "all", Flag: all.Tag}); again.Status != http.StatusNotModified {
		t.Errorf("all flags, unchanged: %+v", again)
	}

	ask := evaluation{"acme", "number", "limit", 1, nil}
	id := s.as("engineer").get("/configs?tenantId=acme-corp&environment=Development&search=limit").want(http.StatusOK).text("items.0.id")
	s.as("engineer").put("/configs/"+id, `{"value":20}`).want(http.StatusOK)
	got := app.evaluate(ask)
	if got.Value != 20.0 || got.Variant != "acme-corp:2" || got.Metadata["layer"] != "acme-corp" || got.Metadata["version"] != 2.0 || got.Metadata["type"] != "number" {
		t.Errorf("after a change: %+v", got)
	}
	if moved := app.evaluate(evaluation{Client: "acme", Type: "all", Flag: all.Tag}); moved.Status != http.StatusOK || moved.Tag == all.Tag {
		t.Errorf("all flags after a change: %+v", moved)
	}
}

// TestOpenFeatureIsPaced has the SDK evaluate more often than the operator lets it: it goes on with its defaults.
func TestOpenFeatureIsPaced(t *testing.T) {
	t.Parallel()
	site := webtest.Limited(t, pace.Limits{Reads: pace.Limit{Count: 1, Per: time.Hour}})
	app := newSDK(t, site.URL, map[string]string{"app": site.Key("app")})
	ask := evaluation{"app", "boolean", "never.set", true, map[string]any{"tenantId": "acme", "environment": "Production"}}
	if got := app.evaluate(ask); got.Value != true || got.ErrorCode != "FLAG_NOT_FOUND" {
		t.Errorf("the first: %+v", got)
	}
	if got := app.evaluate(ask); got.Value != true || got.ErrorCode != "GENERAL" || !strings.Contains(got.Message, "rate limit") {
		t.Errorf("the second: %+v", got)
	}
}
