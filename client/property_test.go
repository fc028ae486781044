package hotswap_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	hotswap "github.com/hotswap/hotswap/client"
)

// weather breaks calls by chance: connections die before an answer or inside one, streams are refused or fall silent,
// answers are late, changes are garbled.
type weather struct {
	r      *rand.Rand
	server *server
	bad    float64
}

func (f *weather) broken(w http.ResponseWriter, r *http.Request) bool {
	f.server.mu.Lock() // one source of chance for all calls
	chance, kind := f.r.Float64(), f.r.IntN(7)
	late := time.Duration(f.r.IntN(3000)) * time.Millisecond
	f.server.mu.Unlock()
	if chance > f.bad {
		return false
	}
	now, _ := f.server.shown()
	stream := strings.HasSuffix(r.URL.Path, "/stream")
	snapshot := fmt.Sprintf("event: snapshot\nid: %s\ndata: %s\n\n", now.revision, now.body())
	switch kind {
	case 0:
		panic(http.ErrAbortHandler)
	case 1:
		problem(w, http.StatusServiceUnavailable, "unavailable", 1+int(late/time.Second))
	case 2:
		time.Sleep(late)
		return false
	case 3:
		problem(w, http.StatusUnauthorized, "unauthenticated", 0)
	case 4:
		if !stream {
			_, _ = w.Write(now.body()[:len(now.body())/2])
			panic(http.ErrAbortHandler)
		}
		says(snapshot+"event: change\nid: 1\ndata: {\"revision\":\"never\",\"set\":{\"a\":\"wro", false)(w, r)
	case 5:
		if !stream {
			return false
		}
		says(snapshot+"event: change\nid: never\ndata: {\"revision\":\"never\",\"set\":{\"a\":1},\"unset\":[\"unknown\"]}\n\n", false)(w, r)
	default:
		if !stream {
			return false
		}
		says(snapshot, true)(w, r)
	}
	return true
}

// before tells whether the server was in one state before the other.
func (s *server) before(a, b string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := func(revision string) int {
		return slices.IndexFunc(s.states, func(st state) bool { return st.revision == revision })
	}
	return at(a) < at(b)
}

// After any interleaving of changes, cuts, polls and nodes that are behind, what the client holds is a state that the
// server was in, never an older one that it held before, and in the end the last one.
func TestWhatIsHeldIsSomeStateOfTheServer(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := serve(t)
				r := rand.New(rand.NewPCG(seed, 5))
				sky := &weather{r: rand.New(rand.NewPCG(seed, 6)), server: s, bad: 0.6}
				s.breaks(sky.broken)
				c := connect(t, s, func(o *hotswap.Options) { o.PollEvery = 5 * time.Second })
				var held []string
				for range 300 {
					switch r.IntN(6) {
					case 0, 1:
						s.put(fmt.Sprint("k", r.IntN(5)), strconv.Itoa(r.IntN(100)))
					case 2:
						values := s.now().values
						s.set(map[string]string{"k0": "1" + values["k1"], "k3": "true"})
					case 3:
						s.kill()
					case 4: // a node has not heard of a change yet, but soon will
						s.put("k4", strconv.Itoa(r.IntN(100)))
						pass(time.Duration(r.IntN(200)) * time.Millisecond)
						held = wantSomeState(t, s, c, held)
						s.behind(1)
						s.kill()
						held = wantSomeState(t, s, c, held)
						pass(time.Duration(r.IntN(1500)) * time.Millisecond)
						held = wantSomeState(t, s, c, held)
						s.behind(0)
						s.kill()
					default:
						pass(time.Duration(r.IntN(20000)) * time.Millisecond)
					}
					pass(time.Duration(r.IntN(200)) * time.Millisecond)
					held = wantSomeState(t, s, c, held)
				}
				s.breaks(nil)
				pass(3 * time.Minute)
				wantHeld(t, c, s.now())
				if len(held) < 10 {
					t.Errorf("the client held %d states in all: the test shows nothing", len(held))
				}
			})
		})
	}
}

// wantSomeState checks what is held, and tells all that was.
func wantSomeState(t *testing.T, s *server, c *hotswap.Client, held []string) []string {
	t.Helper()
	revision := c.Revision()
	if revision == "" {
		return held
	}
	is, known := s.find(revision)
	if !known {
		t.Fatalf("the client holds %s, which the server never had", revision)
	}
	wantHeld(t, c, is)
	if len(held) > 0 && held[len(held)-1] == revision {
		return held
	}
	if slices.Contains(held, revision) && s.before(revision, held[len(held)-1]) {
		t.Fatalf("the client went back to %s, after %v", revision, held)
	}
	return append(held, revision)
}
