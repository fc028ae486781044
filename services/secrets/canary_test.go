package secrets_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/hotswap/hotswap/models"
)

// leaks tells in which form a text holds the canary.
func leaks(text string) string {
	raw := strings.Trim(string(canary), `"`)
	for name, form := range map[string]string{
		"raw": raw, "base64": base64.StdEncoding.EncodeToString([]byte(raw)), "base64url": base64.RawURLEncoding.EncodeToString([]byte(raw)),
		"hex": hex.EncodeToString([]byte(raw)), "URL": url.QueryEscape(raw), "bytes": strings.Trim(fmt.Sprintf("%d", []byte(raw)), "[]"),
	} {
		if strings.Contains(strings.ToLower(text), strings.ToLower(form)) {
			return name
		}
	}
	return ""
}

// Whatever prints, encodes or logs what holds a secret shows a mask.
func TestNothingPrintsASecret(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	text, row := sealed(t, h.Service, "acme", "a", canary)
	secret := models.NewSecret(canary)
	item := models.Item{Key: "a", Op: models.OpSet, Value: text, Previous: text, Sensitive: true, Clear: secret}
	change := models.Change{Title: "t", Items: []models.Item{item}}
	facts := models.Facts{Live: map[string]models.Live{"a": {Value: text}}, At: time.Now()}
	things := map[string]any{
		"secret": secret, "pointer": &secret, "list": []models.Secret{secret}, "map": map[string]models.Secret{"a": secret},
		"item": item, "items": change.Items, "change": change, "change pointer": &change, "facts": facts,
		"text": text, "row": row, "config": models.Config{Value: models.Masked}, "master": h.master,
	}
	for name, thing := range things {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			if form := leaks(fmt.Sprintf(verb, thing)); form != "" {
				t.Errorf("%s printed by %s shows the value (%s)", name, verb, form)
			}
		}
		for kind, handler := range map[string]func(*bytes.Buffer) slog.Handler{
			"text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
			"json": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
		} {
			var out bytes.Buffer
			log := slog.New(handler(&out))
			log.Info("seen", "thing", thing, slog.Group("in", "group", thing))
			if form := leaks(out.String()); form != "" || out.Len() == 0 {
				t.Errorf("%s logged as %s shows the value (%s)", name, kind, form)
			}
		}
		if encoded, err := json.Marshal(thing); err == nil && leaks(string(encoded)) != "" {
			t.Errorf("%s as JSON shows the value", name)
		}
	}
	if leaks(string(secret.Reveal())) == "" || leaks(hex.EncodeToString([]byte(canary))) == "" {
		t.Error("the test does not know the canary when it sees it")
	}
}

// What the database holds of a secret, dumped whole, is ciphertext and a commitment.
func TestNothingStoredHoldsASecret(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	texts := h.keep(t, h.Service, "acme", "a", canary)
	if _, err := h.Rotate(admin(t), "acme"); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"sealed_values", "tenant_keys", "audit_entries", "audit_subjects"} {
		var dump string
		h.Scan(t, `SELECT coalesce(string_agg(x::text, ' '), '') FROM `+table+` x`, nil, &dump)
		if form := leaks(dump); form != "" || dump == "" {
			t.Errorf("%s holds the value (%s)", table, form)
		}
	}
	for _, s := range h.Recorder.Statements() {
		if form := leaks(fmt.Sprintf("%s %v %s", s.SQL, s.Args, s.Args)); form != "" {
			t.Errorf("a statement carries the value (%s): %s", form, s.SQL)
		}
	}
	if form := leaks(string(texts[0]) + h.log.String()); form != "" {
		t.Errorf("the text or the log holds the value (%s)", form)
	}
}
