package views_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/hotswap/hotswap/views"
)

func TestVitals(t *testing.T) {
	t.Parallel()
	start := time.Unix(1_700_000_000, 0)
	quiet := make([]views.VitalSecond, 300)
	busy := make([]views.VitalSecond, 300)
	for i := range busy {
		quiet[i].At, busy[i].At = start.Add(time.Duration(i)*time.Second), start.Add(time.Duration(i)*time.Second)
		if i >= 240 {
			busy[i].Reads, busy[i].Hits, busy[i].P99 = 10, 9, time.Duration(i)*time.Microsecond
		}
	}
	tests := map[string]struct {
		seconds []views.VitalSecond
		now     [3]string
		last    [3]any
	}{
		"busy":  {busy, [3]string{"10.0", "90.0 %", "0.30 ms"}, [3]any{10.0, 90.0, 0.299}},
		"quiet": {quiet, [3]string{"0.0", "–", "–"}, [3]any{0.0, nil, nil}},
	}
	for name, tt := range tests {
		v := views.NewVitals(tt.seconds, views.StoresNow{Database: true}, views.JobsNow{Known: true})
		for i, p := range v.Plots {
			var drawn struct {
				At     []int64
				Values []any
			}
			if err := json.Unmarshal([]byte(p.Data), &drawn); err != nil {
				t.Fatal(err)
			}
			if p.Now != tt.now[i] || len(drawn.At) != 60 || len(drawn.Values) != 60 || drawn.Values[59] != tt.last[i] || drawn.At[59] != start.Unix()+295 {
				t.Errorf("%s, %s: %s, %d points, the last %v", name, p.Label, p.Now, len(drawn.At), drawn.Values[59])
			}
		}
	}
	if v := views.NewVitals(nil, views.StoresNow{}, views.JobsNow{}); v.Database.Good || v.Jobs.Good || v.Plots[0].Now != "0.0" {
		t.Errorf("%+v", v)
	}
}

func TestJobs(t *testing.T) {
	t.Parallel()
	for want, j := range map[string]views.JobsNow{
		"true No job waits":            {Known: true},
		"true No job waits, 2 at work": {Known: true, Running: 2},
		"true 1 job due":               {Known: true, Waiting: 1, Oldest: time.Second},
		"false 3 jobs due, the oldest for 2 minutes, 1 at work": {Known: true, Waiting: 3, Running: 1, Oldest: 150 * time.Second},
		"false Jobs: unknown while Postgres does not answer":    {},
	} {
		got := views.NewVitals(nil, views.StoresNow{Database: true}, j).Jobs
		if said := map[bool]string{true: "true ", false: "false "}[got.Good] + got.Text; said != want {
			t.Errorf("%q, want %q", said, want)
		}
	}
}

func TestRedisHealth(t *testing.T) {
	t.Parallel()
	for stores, good := range map[views.StoresNow]bool{
		{}: true, {HasRedis: true, Redis: true}: true, {HasRedis: true}: false, {Database: true, HasRedis: true}: false,
	} {
		if got := views.NewVitals(nil, stores, views.JobsNow{}).Redis; got.Good != good || got.Text == "" {
			t.Errorf("%+v: %+v", stores, got)
		}
	}
}

func TestOverviewLead(t *testing.T) {
	t.Parallel()
	one := make([]views.QueueItem, 1)
	for want, o := range map[string]views.Overview{
		"What happens in the tenants that you see.":  {},
		"Nothing waits for you.":                     {Decides: true},
		"1 change waits for your decision.":          {Decides: true, Mine: one},
		"2 changes wait for your decision.":          {Decides: true, Mine: append(one, one...)},
		"More than 1 change wait for your decision.": {Decides: true, Mine: one, MoreMine: true},
	} {
		if got := o.Lead(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
