package views

import (
	"encoding/json"
	"strconv"
	"time"
)

// Vitals are how this node does: its reads of the last minutes, its database, its Redis and its jobs.
type Vitals struct {
	Plots    []Plot
	Database Health
	Redis    Health
	Jobs     Health
}

// Plot is one time series, with what it says at the moment.
type Plot struct {
	Label, Now, Note string
	Data             string // what static/js/plots.js draws
}

// Health is whether a part works, in words.
type Health struct {
	Good bool
	Text string
}

// VitalSecond is what reads were like in one second.
type VitalSecond struct {
	At          time.Time
	Reads, Hits int
	P99         time.Duration
}

// StoresNow is whether what the node works with answers.
type StoresNow struct{ Database, HasRedis, Redis bool }

// JobsNow is how the queue of jobs stands.
type JobsNow struct {
	Waiting, Running int
	Oldest           time.Duration
	Known            bool // it could be asked
}

const (
	plotStep   = 5  // seconds that become one point
	lastMinute = 60 // seconds that the numbers in words are about
)

// NewVitals shapes the seconds, oldest first, and what is known of the stores and the jobs.
func NewVitals(seconds []VitalSecond, stores StoresNow, jobs JobsNow) *Vitals {
	return &Vitals{
		Plots: plots(seconds), Database: databaseHealth(stores.Database), Redis: redisHealth(stores), Jobs: jobsHealth(jobs),
	}
}

// stretch is what reads were like over several seconds.
type stretch struct {
	seconds, reads, hits int
	slowest              time.Duration // of the seconds' 99th percentiles
}

func stretchOf(seconds []VitalSecond) (s stretch) {
	for _, v := range seconds {
		s.seconds++
		s.reads += v.Reads
		s.hits += v.Hits
		s.slowest = max(s.slowest, v.P99)
	}
	return s
}

func (s stretch) rate() float64    { return float64(s.reads) / float64(max(s.seconds, 1)) }
func (s stretch) hitRate() float64 { return 100 * float64(s.hits) / float64(max(s.reads, 1)) }
func (s stretch) p99() float64     { return float64(s.slowest) / float64(time.Millisecond) }

// series is the document of a plot. A gap is null.
type series struct {
	Label  string     `json:"label"`
	Top    float64    `json:"top"` // the scale reaches at least that far
	At     []int64    `json:"at"`  // Unix seconds
	Values []*float64 `json:"values"`
}

func plots(seconds []VitalSecond) []Plot {
	now := stretchOf(seconds[max(0, len(seconds)-lastMinute):])
	rate := Plot{Label: "Reads per second", Now: rounded(now.rate(), 1), Note: "on average over the last minute"}
	hits := Plot{Label: "Cache hits", Now: rounded(now.hitRate(), 1) + " %", Note: "of " + counted(now.reads, "read") + " in the last minute"}
	p99 := Plot{Label: "99th percentile", Now: rounded(now.p99(), 2) + " ms", Note: "in the slowest second of the last minute"}
	if now.reads == 0 {
		hits.Now, hits.Note, p99.Now, p99.Note = "–", "no reads in the last minute", "–", "no reads in the last minute"
	}
	rate.Data = drawn(rate.Label, 1, seconds, func(s stretch) (float64, bool) { return s.rate(), true })
	hits.Data = drawn(hits.Label, 100, seconds, func(s stretch) (float64, bool) { return s.hitRate(), s.reads > 0 })
	p99.Data = drawn(p99.Label, 0.1, seconds, func(s stretch) (float64, bool) { return s.p99(), s.reads > 0 })
	return []Plot{rate, hits, p99}
}

// drawn is the document of one plot; value tells a point of several seconds, or that there is none.
func drawn(label string, top float64, seconds []VitalSecond, value func(stretch) (float64, bool)) string {
	out := series{Label: label, Top: top, At: []int64{}, Values: []*float64{}}
	for from := 0; from < len(seconds); from += plotStep {
		part := seconds[from:min(from+plotStep, len(seconds))]
		out.At = append(out.At, part[0].At.Unix())
		if v, ok := value(stretchOf(part)); ok {
			out.Values = append(out.Values, &v)
		} else {
			out.Values = append(out.Values, nil)
		}
	}
	text, err := json.Marshal(out)
	if err != nil {
		return "{}" // numbers that are no numbers: there is nothing to draw
	}
	return string(text)
}

// rounded is a number with that many decimals.
func rounded(v float64, decimals int) string { return strconv.FormatFloat(v, 'f', decimals, 64) }

func databaseHealth(answers bool) Health {
	if answers {
		return Health{true, "Postgres answers"}
	}
	return Health{false, "Postgres does not answer. Reads go on from memory; nothing can be changed until it is back."}
}

func redisHealth(s StoresNow) Health {
	switch {
	case !s.HasRedis:
		return Health{true, "No Redis is set up: nodes look for each other's changes every second"}
	case s.Redis:
		return Health{true, "Redis answers"}
	default:
		return Health{false, "Redis does not answer. Reads go on; what other nodes write is seen within two seconds."}
	}
}

// lateJob is how long a job may be due before that is worth a word.
const lateJob = time.Minute

func jobsHealth(j JobsNow) Health {
	running := ""
	if j.Running > 0 {
		running = ", " + strconv.Itoa(j.Running) + " at work"
	}
	switch {
	case !j.Known:
		return Health{false, "Jobs: unknown while Postgres does not answer"}
	case j.Waiting == 0:
		return Health{true, "No job waits" + running}
	case j.Oldest < lateJob:
		return Health{true, counted(j.Waiting, "job") + " due" + running}
	default:
		return Health{false, counted(j.Waiting, "job") + " due, the oldest for " + counted(int(j.Oldest/time.Minute), "minute") + running}
	}
}
