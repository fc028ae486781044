package storetest

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// Plans tells how Postgres carries out each of the recorded statements that contain the text: under row-level security
// with that scope, and planned without knowing the values, as the store asks for.
func (d *Database) Plans(t testing.TB, scope, text string) map[string]string {
	t.Helper()
	conn := d.connect(t, d.URL)
	run := func(sql string) (lines []string) {
		t.Helper()
		rows, err := conn.Query(t.Context(), sql)
		if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		defer rows.Close()
		for rows.Next() {
			lines = append(lines, string(rows.RawValues()[0])) // all that is run here answers texts
		}
		if rows.Err() != nil {
			t.Fatalf("%s: %v", sql, rows.Err())
		}
		return lines
	}
	run(`SELECT set_config('app.tenants', '` + scope + `', false)`)
	for _, setting := range []string{"plan_cache_mode = force_generic_plan", "jit = off", "random_page_cost = 1.1"} {
		run("SET " + setting)
	}
	plans := map[string]string{}
	for _, s := range d.Recorder.Statements() {
		if !strings.Contains(s.SQL, text) || plans[s.SQL] != "" {
			continue
		}
		name := fmt.Sprintf("plan%d", len(plans))
		run("PREPARE " + name + " AS " + s.SQL)
		plans[s.SQL] = strings.Join(run("EXPLAIN EXECUTE "+name+literals(s.Args)), "\n")
	}
	return plans
}

// literals writes arguments as SQL; what pgx takes beside them is left out.
func literals(args []any) string {
	var out []string
	for _, a := range args {
		if at, ok := a.(time.Time); ok {
			a = at.Format(time.RFC3339Nano)
		}
		if slices.Contains([]reflect.Kind{reflect.String, reflect.Int, reflect.Int64, reflect.Bool}, reflect.ValueOf(a).Kind()) {
			out = append(out, "'"+strings.ReplaceAll(fmt.Sprint(a), "'", "''")+"'")
		}
	}
	if out == nil {
		return ""
	}
	return "(" + strings.Join(out, ", ") + ")"
}
