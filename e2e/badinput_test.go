package e2e_test

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// setBody is the body of POST /configs with a value, as JSON text.
func setBody(value string) string {
	return `{"tenantId":"acme-corp","key":"limits.rate","environment":"Development","value":` + value + `}`
}

func TestBadInput(t *testing.T) { //nolint:tparallel // each request is followed by a look at what it left
	t.Parallel()
	s := dev(t)
	makeTenant(s, "acme-corp", "Enterprise")
	s.as("admin").post("/definitions", `{"tenantId":"acme-corp","key":"limits.rate","type":"number","schema":{"minimum":1,"maximum":10}}`).
		want(http.StatusCreated)
	id := s.as("engineer").post("/configs", setBody("5")).want(http.StatusCreated).text("id")

	db := s.superuser()
	before := fingerprints(t, db)
	for name, test := range map[string]struct {
		method, path, body string
		status             int
	}{
		"malformed":                {"POST", "/configs", `{"tenantId":`, 400},
		"empty":                    {"POST", "/configs", "", 400},
		"not json":                 {"POST", "/configs", "tenantId=acme-corp", 400},
		"trailing data":            {"POST", "/configs", setBody("5") + "{}", 400},
		"duplicate member":         {"POST", "/configs", strings.Replace(setBody("5"), `"key"`, `"key":"a","key"`, 1), 400},
		"duplicate in the value":   {"POST", "/configs", setBody(`{"a":1,"a":2}`), 400},
		"escaped duplicate":        {"POST", "/configs", setBody(`{"a":1,"\u0061":2}`), 400},
		"invalid UTF-8":            {"POST", "/configs", setBody("\"\xff\""), 400},
		"overlong UTF-8":           {"POST", "/configs", setBody("\"\xc0\xaf\""), 400},
		"leading zero":             {"POST", "/configs", setBody("007"), 400},
		"NaN":                      {"POST", "/configs", setBody("NaN"), 400},
		"wrong-case member":        {"POST", "/configs", strings.Replace(setBody("5"), `"tenantId"`, `"tenantID"`, 1), 422},
		"unknown member":           {"POST", "/configs", strings.Replace(setBody("5"), `{`, `{"approved":true,`, 1), 422},
		"missing member":           {"POST", "/configs", `{"tenantId":"acme-corp","key":"a","environment":"Development"}`, 422},
		"wrong type of a member":   {"POST", "/configs", strings.Replace(setBody("5"), `"acme-corp"`, `7`, 1), 422},
		"null body":                {"POST", "/configs", "null", 422},
		"list body":                {"POST", "/configs", "[]", 422},
		"NUL in the value":         {"POST", "/configs", setBody(`"\u0000"`), 422},
		"NUL in the key":           {"POST", "/configs", strings.Replace(setBody("5"), "limits.rate", `a\u0000`, 1), 422},
		"lone surrogate":           {"POST", "/configs", setBody(`"\ud800"`), 422},
		"reversed surrogates":      {"POST", "/configs", setBody(`"\ude00\ud83d"`), 422},
		"depth 65":                 {"POST", "/configs", setBody(strings.Repeat("[", 64) + strings.Repeat("]", 64)), 422},
		"depth 10,000":             {"POST", "/configs", setBody(strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000)), 422},
		"number 1e400":             {"POST", "/configs", setBody("1e400"), 422},
		"number of 40 digits":      {"POST", "/configs", setBody(strings.Repeat("7", 40)), 422},
		"value over 64 KiB":        {"POST", "/configs", setBody(`"` + strings.Repeat("x", 64<<10) + `"`), 422},
		"body over 1 MiB":          {"POST", "/configs", setBody(`"` + strings.Repeat("x", 1<<20) + `"`), 413},
		"key with spaces":          {"POST", "/configs", strings.Replace(setBody("5"), "limits.rate", "limits rate", 1), 422},
		"empty key":                {"POST", "/configs", strings.Replace(setBody("5"), "limits.rate", "", 1), 422},
		"upper-case key":           {"POST", "/configs", strings.Replace(setBody("5"), "limits.rate", "Limits.Rate", 1), 422},
		"long key":                 {"POST", "/configs", strings.Replace(setBody("5"), "limits.rate", strings.Repeat("k", 129), 1), 422},
		"unknown environment":      {"POST", "/configs", strings.Replace(setBody("5"), "Development", "Moon", 1), 422},
		"environment's case":       {"POST", "/configs", strings.Replace(setBody("5"), "Development", "development", 1), 422},
		"control environment":      {"POST", "/configs", strings.Replace(setBody("5"), "Development", "keys", 1), 422},
		"against the schema":       {"POST", "/configs", setBody("11"), 422},
		"against the type":         {"POST", "/configs", setBody(`"eleven"`), 422},
		"unknown tenant":           {"POST", "/configs", strings.Replace(setBody("5"), "acme-corp", "nobody", 1), 404},
		"layer that is none":       {"POST", "/configs", strings.Replace(setBody("5"), "acme-corp", "@tier.none", 1), 404},
		"next value malformed":     {"PUT", "/configs/" + id, `{"value":}`, 400},
		"next value 1e400":         {"PUT", "/configs/" + id, `{"value":1e400}`, 422},
		"stale base version":       {"PUT", "/configs/" + id, `{"value":6,"baseVersion":7}`, 409},
		"negative base version":    {"PUT", "/configs/" + id, `{"value":6,"baseVersion":-1}`, 422},
		"huge base version":        {"PUT", "/configs/" + id, `{"value":6,"baseVersion":9223372036854775808}`, 422},
		"promoted to nowhere":      {"POST", "/configs/" + id + "/promote", `{"targetEnvironment":"Moon"}`, 422},
		"promoted to itself":       {"POST", "/configs/" + id + "/promote", `{"targetEnvironment":"Development"}`, 422},
		"id that is none":          {"GET", "/configs/nothing", "", 404},
		"id with a NUL":            {"GET", "/configs/%00", "", 404},
		"id of nobody":             {"PUT", "/configs/00000000-0000-0000-0000-000000000000", `{"value":6}`, 404},
		"limit 0":                  {"GET", "/tenants?limit=0", "", 422},
		"limit 201":                {"GET", "/tenants?limit=201", "", 422},
		"limit abc":                {"GET", "/tenants?limit=abc", "", 422},
		"cursor of another":        {"GET", "/tenants?cursor=AAAA", "", 422},
		"read without environment": {"GET", "/configs/tenant/acme-corp", "", 422},
		"read of no environment":   {"GET", "/configs/tenant/acme-corp?environment=Moon", "", 422},
		"empty change":             {"POST", "/changes", `{"tenantId":"acme-corp","environment":"Production","title":"none","items":[]}`, 422},
		"change with a key twice": {"POST", "/changes", `{"tenantId":"acme-corp","environment":"Production","title":"two",
			"items":[{"key":"a","op":"set","value":1},{"key":"a","op":"delete"}]}`, 422},
		"change that half fits": {"POST", "/changes", `{"tenantId":"acme-corp","environment":"Development","title":"half",
			"items":[{"key":"fits","op":"set","value":1},{"key":"limits.rate","op":"set","value":11}]}`, 422},
		"bad tenant id":     {"POST", "/tenants", `{"tenantId":"Acme Corp","name":"A","tier":"Pro"}`, 422},
		"layer as tenant":   {"POST", "/tenants", `{"tenantId":"@platform","name":"A","tier":"Pro"}`, 422},
		"unknown tier":      {"POST", "/tenants", `{"tenantId":"acme","name":"A","tier":"Gold"}`, 422},
		"tenant twice":      {"POST", "/tenants", `{"tenantId":"acme-corp","name":"A","tier":"Pro"}`, 409},
		"schema of nothing": {"POST", "/definitions", `{"tenantId":"acme-corp","key":"s","type":"json","schema":{"$ref":"https://example.com/s"}}`, 422},
		"no such path":      {"GET", "/nothing", "", 404},
		"no such method":    {"PATCH", "/configs/" + id, `{"value":1}`, 405},
	} {
		t.Run(name, func(t *testing.T) {
			as := s.as("admin")
			as.t = t
			r, err := as.try(raw(as, test.method, test.path, test.body))
			if err != nil {
				t.Fatal(err)
			}
			r.problem(test.status, "")
			if after := fingerprints(t, db); !maps.Equal(before, after) {
				t.Errorf("%s left something behind in %v", name, moved(before, after))
				before = after
			}
		})
	}
}

// raw sends the body as it is; an empty one as well.
func raw(c caller, method, path, body string) *http.Request {
	if body == "" && method == "GET" {
		return c.request(method, path, nil)
	}
	return c.request(method, path, body)
}

// fingerprints sum up the content of each table, but for the entries about refusals and what jobs keep for
// themselves.
func fingerprints(t testing.TB, db *pgx.Conn) map[string]string {
	t.Helper()
	rows, err := db.Query(t.Context(), `SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
		AND relname NOT LIKE 'river%' AND relname NOT IN ('audit_heads', 'audit_subjects', 'goose_db_version')`)
	if err != nil {
		t.Fatal(err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(names) < 10 {
		t.Fatalf("tables %v: %v", names, err)
	}
	sums := map[string]string{}
	for _, name := range names {
		where := ""
		if name == "audit_entries" {
			where = "WHERE action <> 'access.denied'"
		}
		var n int64
		var sum string
		err := db.QueryRow(t.Context(), fmt.Sprintf(
			`SELECT count(*), coalesce(md5(string_agg(x::text, chr(10) ORDER BY x::text)), '') FROM %s x %s`, name, where)).Scan(&n, &sum)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		sums[name] = fmt.Sprintf("%d rows %s", n, sum)
	}
	return sums
}

// moved names the tables that differ.
func moved(before, after map[string]string) (names []string) {
	for name := range after {
		if before[name] != after[name] {
			names = append(names, name)
		}
	}
	return names
}

func TestTooManyHeaders(t *testing.T) {
	t.Parallel()
	s := dev(t)
	as := s.as("admin")
	r := as.request("GET", "/tenants", nil)
	r.Header.Set("X-Long", strings.Repeat("x", 70<<10))
	answer, err := as.try(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.want(http.StatusRequestHeaderFieldsTooLarge)
	as.get("/tenants").want(http.StatusOK)
}

func TestNumbersStayExact(t *testing.T) {
	t.Parallel()
	s := dev(t)
	makeTenant(s, "acme-corp", "Pro")
	for sent, kept := range map[string]string{
		"9007199254740993": "9007199254740993", "-9007199254740993": "-9007199254740993", "1.0": "1", "1E2": "100",
		"-0": "0", "0.1000": "0.1", "1e308": "1e308", "1234567890123456789012345678901234": "1.234567890123456789012345678901234e33",
	} {
		body := fmt.Sprintf(`{"tenantId":"acme-corp","key":"n","environment":"Development","value":%s}`, sent)
		r := s.as("engineer").post("/configs", body).want(http.StatusCreated)
		if got := fmt.Sprint(r.field("value")); got != kept {
			t.Errorf("%s comes back as %s, want %s", sent, got, kept)
		}
		read := s.as("app").get("/configs/tenant/acme-corp?environment=Development").want(http.StatusOK)
		wantConfigs(t, read, map[string]string{"n": kept})
	}
}
