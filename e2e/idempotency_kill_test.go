package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	keyedCalls   = 240 // calls with an Idempotency-Key
	keyedCallers = 24  // at a time
	kills        = 3
)

// TestRepeatedCallsAfterKill kills hotswap at random moments of a stream of calls that make things, each with an
// Idempotency-Key, and sends every call again until it is answered: of each there is one thing, and one deed in the log.
func TestRepeatedCallsAfterKill(t *testing.T) {
	t.Parallel()
	s := dev(t)
	for n := range 4 {
		makeTenant(s, fmt.Sprintf("tenant-%d", n), "Enterprise")
	}
	calls := &keyedStream{made: make([]string, keyedCalls)}
	for round := range kills {
		calls.runUntilKilled(s, (round+1)*keyedCalls/(kills+1))
		s = start(t, s.dir, "--empty")
	}
	calls.run(s, keyedCalls)
	first := calls.answers(t)
	t.Logf("%d calls were carried out and their answers lost", calls.replayed.Load())
	calls.repeat(s)
	if second := calls.answers(t); !slices.Equal(first, second) {
		t.Errorf("the calls sent again are answered by other things than before")
	}

	db := s.superuser()
	for what, sql := range map[string]string{
		"API keys":          `SELECT count(*) FROM api_keys WHERE name LIKE 'key-%'`,
		"names of API keys": `SELECT count(DISTINCT name) FROM api_keys WHERE name LIKE 'key-%'`,
		"entries of keys":   `SELECT count(*) FROM audit_entries WHERE action = 'api_key.create' AND after::json->>'name' LIKE 'key-%'`,
		"changes":           `SELECT count(*) FROM changes WHERE title LIKE 'change-%'`,
		"titles of changes": `SELECT count(DISTINCT title) FROM changes WHERE title LIKE 'change-%'`,
		"entries of changes": `SELECT count(*) FROM audit_entries e WHERE e.action = 'change.submit'
			AND e.after::json->>'title' LIKE 'change-%'`,
		"versions": `SELECT count(*) FROM config_versions v WHERE v.value LIKE '"value %'`,
		"values":   `SELECT count(DISTINCT v.value) FROM config_versions v WHERE v.value LIKE '"value %'`,
		"entries of values": `SELECT count(*) FROM audit_entries e WHERE e.action = 'config.set'
			AND e.after::json->>'value' LIKE 'value %'`,
	} {
		if n := count(t, db, sql); n != keyedCalls/3 {
			t.Errorf("%d %s, want %d", n, what, keyedCalls/3)
		}
	}
	wantWhole(t, db)
}

// keyedStream is a stream of calls, and what each was answered to have made.
type keyedStream struct {
	mu   sync.Mutex
	made []string // by the number of the call; empty while it is not answered

	replayed atomic.Int64 // answers that said so
}

// nthKeyed is the n-th call: an API key, a change that waits, a value that is live at once.
func nthKeyed(n int) (who, path, body string) {
	switch n % 3 {
	case 0:
		return "admin", "/api-keys", fmt.Sprintf(`{"name":"key-%d","role":"reader"}`, n)
	case 1:
		return "engineer", "/changes", fmt.Sprintf(
			`{"tenantId":"tenant-%d","environment":"Production","title":"change-%d","items":[{"key":"count%d","op":"set","value":1}]}`, n%4, n, n)
	default:
		return "engineer", "/configs", fmt.Sprintf(`{"tenantId":"tenant-%d","environment":"Development","key":"k%d","value":"value %d"}`, n%4, n%7, n)
	}
}

// runUntilKilled sends calls up to a number, and kills hotswap at a random moment while they run.
func (k *keyedStream) runUntilKilled(s *stack, upTo int) {
	s.t.Helper()
	var killed sync.WaitGroup
	killed.Go(func() {
		time.Sleep(time.Duration(20+rand.IntN(200)) * time.Millisecond)
		s.kill()
	})
	k.run(s, upTo)
	killed.Wait()
}

// run sends the calls that are not answered yet, each until it is answered or the server is gone.
func (k *keyedStream) run(s *stack, upTo int) {
	s.t.Helper()
	var next atomic.Int64
	var wait sync.WaitGroup
	for range keyedCallers {
		wait.Go(func() {
			for n := int(next.Add(1)) - 1; n < upTo; n = int(next.Add(1)) - 1 {
				for k.answer(n) == "" && k.send(s, n) {
				}
			}
		})
	}
	wait.Wait()
}

// send makes the n-th call. It returns false when the server is gone, and true when the call was answered or may be
// tried again at once.
func (k *keyedStream) send(s *stack, n int) bool {
	who, path, body := nthKeyed(n)
	c := s.as(who)
	r := c.request(http.MethodPost, path, body)
	r.Header.Set("Idempotency-Key", fmt.Sprintf("call-%d", n))
	got, err := c.try(r)
	switch {
	case err != nil:
		return false
	case got.status == http.StatusConflict && got.header.Get("Retry-After") != "", got.status == http.StatusServiceUnavailable:
		time.Sleep(20 * time.Millisecond) // it still runs, or its turn did not come
		return true
	case got.status != http.StatusCreated:
		s.t.Errorf("call %d: %d: %s", n, got.status, got.body)
		return false
	}
	if got.header.Get("Idempotency-Replayed") != "" {
		k.replayed.Add(1)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if was := k.made[n]; was != "" && was != got.text("id") {
		s.t.Errorf("call %d made %s, and now %s", n, was, got.text("id"))
	}
	k.made[n] = got.text("id")
	return true
}

func (k *keyedStream) answer(n int) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.made[n]
}

// answers are what all calls made.
func (k *keyedStream) answers(t *testing.T) []string {
	t.Helper()
	for n := range keyedCalls {
		if k.answer(n) == "" {
			t.Fatalf("call %d was never answered", n)
		}
	}
	return slices.Clone(k.made)
}

// repeat sends every call once more; all are answered as repetitions.
func (k *keyedStream) repeat(s *stack) {
	s.t.Helper()
	before := k.replayed.Load()
	for n := range keyedCalls {
		if !k.send(s, n) {
			s.t.Fatalf("call %d is not answered any more", n)
		}
	}
	if n := k.replayed.Load() - before; n != keyedCalls {
		s.t.Errorf("%d of %d calls were answered as repetitions", n, keyedCalls)
	}
}
