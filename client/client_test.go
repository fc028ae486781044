package hotswap_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	hotswap "github.com/hotswap/hotswap/client"
)

func TestStreamedValues(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := serve(t)
		s.put("feature.x", "true")
		c := connect(t, s, nil)
		if err := c.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		pass(0)
		wantHeld(t, c, s.now())
		wantState(t, c, hotswap.Streaming)

		s.put("feature.x", "false")
		limit := s.put("limit", "10")
		pass(0)
		wantHeld(t, c, limit)
		if c.Bool("feature.x", true) || c.Int("limit", 0) != 10 {
			t.Error("values that were pushed are not read")
		}
		less := s.set(map[string]string{"limit": "10"})
		pass(0)
		wantHeld(t, c, less)

		pass(10 * time.Minute) // of heartbeats
		if got := s.requests(); !slices.Equal(got, []string{"GET /configs/tenant/acme/stream"}) {
			t.Errorf("the client asked %v, want one stream", got)
		}
		if c.Stale() {
			t.Errorf("with heartbeats the client is stale: %+v", c.Status())
		}
	})
}

func TestTenantAndEnvironmentOfTheKey(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := serve(t)
		c := connect(t, s, func(o *hotswap.Options) { o.Tenant, o.Environment = "", "" })
		pass(0)
		wantHeld(t, c, s.now())
	})
}

// onStreams breaks streams only.
func onStreams(with http.HandlerFunc) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/stream") {
			return false
		}
		with(w, r)
		return true
	}
}

// says streams the text and then cuts the connection, or waits if it is told to.
func says(text string, wait bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, text)
		_ = http.NewResponseController(w).Flush()
		if wait {
			<-r.Context().Done()
		}
		panic(http.ErrAbortHandler)
	}
}

func refuses(status int, code string, after int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { problem(w, status, code, after) }
}

func TestStreamCutInsideAnEventResumes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := serve(t)
		first := s.put("a", "1")
		s.breaks(onStreams(says(fmt.Sprintf("retry: 500\n\nevent: snapshot\nid: %s\ndata: %s\n\nevent: change\nid: r9\ndata: {\"revision\":\"r9\"",
			first.revision, first.body()), false)))
		c := connect(t, s, nil)
		pass(0)
		wantHeld(t, c, first) // half an event is none
		s.breaks(nil)
		second := s.put("a", "2")
		pass(2 * time.Second)
		wantHeld(t, c, second)
		wantState(t, c, hotswap.Streaming)
		if want := []string{first.revision}; !slices.Equal(s.asked, want) {
			t.Errorf("the streams began after %v, want %v", s.asked, want)
		}
	})
}

// Whatever a stream says that makes no sense, the client has the right values at once and streams again.
func TestStreamsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	snapshot := "event: snapshot\nid: 1\ndata: {\"revision\":\"x\",\"configs\":{}}\n\n"
	tests := map[string]string{
		"a change before a snapshot":        "event: change\nid: 1\ndata: {\"revision\":\"y\",\"set\":{}}\n\n",
		"a change that takes away too much": snapshot + "event: change\nid: 2\ndata: {\"revision\":\"y\",\"unset\":[\"never\"]}\n\n",
		"a change without a revision":       snapshot + "event: change\nid: 2\ndata: {\"set\":{\"a\":2}}\n\n",
		"a change that is no JSON":          snapshot + "event: change\nid: 2\ndata: {\"set\":{\"a\":\n\n",
		"a snapshot that is no JSON":        "event: snapshot\nid: 1\ndata: <html>\n\n",
		"a snapshot without values":         "event: snapshot\nid: 1\ndata: {\"revision\":\"x\"}\n\n",
		"an event without an end":           "event: snapshot\ndata: " + strings.Repeat("x", 17<<20),
		"many lines without an end":         strings.Repeat("data: "+strings.Repeat("x", 1<<10)+"\n", 17<<10),
		"garbage":                           "\x00\xff\r\nid\n:\n::\ndata\n\nretry: -1\nretry: x\n\n\n",
		"the server's own end":              "event: end\ndata: {\"reason\":\"slow\"}\n\n",
		"an end without a reason":           snapshot + "event: end\ndata: -\n\n",
		"nothing":                           "",
	}
	for name, text := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := serve(t)
				s.breaks(onStreams(says(text, false)))
				s.put("a", "1")
				c := connect(t, s, nil)
				pass(2 * time.Minute)
				s.breaks(nil)
				s.put("a", "2")
				pass(time.Minute)
				wantHeld(t, c, s.now())
				wantState(t, c, hotswap.Streaming)
			})
		})
	}
}

// Polls go on while streams are refused, and streams are tried no earlier than the server says.
func TestRefusedStreamsArePolledInstead(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		refuse  http.HandlerFunc
		streams int // at most, in ten minutes
	}{
		"no admission":      {refuses(http.StatusServiceUnavailable, "unavailable", 120), 6},
		"too many":          {refuses(http.StatusTooManyRequests, "rate_limited", 60), 11},
		"none there":        {refuses(http.StatusNotFound, "not_found", 0), 11},
		"another answer":    {func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") }, 50},
		"a proxy swallows":  {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, 50},
		"opens and is dead": {says("retry: 100\n\n", true), 20},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := serve(t)
				s.breaks(onStreams(test.refuse))
				c := connect(t, s, nil)
				pass(5 * time.Minute)
				s.put("a", "1")
				pass(5 * time.Minute)
				wantHeld(t, c, s.now())
				if c.Stale() {
					t.Errorf("polled, the client is stale: %+v", c.Status())
				}
				streams := 0
				for _, r := range s.requests() {
					if strings.HasSuffix(r, "/stream") {
						streams++
					}
				}
				if streams < 2 || streams > test.streams {
					t.Errorf("%d streams were tried in ten minutes, want 2 to %d", streams, test.streams)
				}
			})
		})
	}
}

func TestPollsOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := serve(t)
		c := connect(t, s, func(o *hotswap.Options) { o.PollOnly, o.PollEvery = true, 10*time.Second })
		for n := range 5 {
			now := s.put("n", strconv.Itoa(n))
			pass(12 * time.Second)
			wantHeld(t, c, now)
			wantState(t, c, hotswap.Polling)
		}
		s.requests()
		pass(time.Minute)
		got := s.requests()
		if len(got) < 5 || len(got) > 8 || slices.Contains(got, "GET /configs/tenant/acme/stream") {
			t.Errorf("in a minute the client asked %v, want about 6 polls", got)
		}
	})
}

// answers is a server that answers every call with a problem.
func answers(status int, code string, after int) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool { problem(w, status, code, after); return true }
}

// While the server is away, or does not take the credential, what is known is served.
func TestServesWhatItKnows(t *testing.T) {
	t.Parallel()
	gone := func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }
	tests := map[string]struct {
		broken func(http.ResponseWriter, *http.Request) bool
		state  hotswap.State
		calls  int // at most, in an hour
	}{
		"gone":         {gone, hotswap.Unreachable, 600},
		"failing":      {answers(http.StatusInternalServerError, "internal", 0), hotswap.Unreachable, 600},
		"full":         {answers(http.StatusServiceUnavailable, "unavailable", 300), hotswap.Unreachable, 30},
		"unknown key":  {answers(http.StatusUnauthorized, "unauthenticated", 0), hotswap.Refused, 190},
		"suspended":    {answers(http.StatusForbidden, "forbidden", 0), hotswap.Refused, 190},
		"other tenant": {answers(http.StatusNotFound, "not_found", 0), hotswap.Refused, 190},
		"other stage":  {answers(http.StatusUnprocessableEntity, "invalid", 0), hotswap.Refused, 190},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := serve(t)
				known := s.put("a", "1")
				var mu sync.Mutex
				var complaints []error
				c := connect(t, s, func(o *hotswap.Options) {
					o.OnError = func(err error) { mu.Lock(); defer mu.Unlock(); complaints = append(complaints, err) }
				})
				pass(time.Minute)
				s.breaks(test.broken)
				s.CloseIdleConnections()
				s.kill()
				s.requests()
				pass(time.Hour)
				wantHeld(t, c, known)
				wantState(t, c, test.state)
				if now := c.Status(); !now.Stale || now.Err == nil || now.Age() < 50*time.Minute {
					t.Errorf("an hour later the client is %+v, age %v", now, now.Age())
				}
				mu.Lock()
				if len(complaints) == 0 {
					t.Error("nobody was told of it")
				}
				mu.Unlock()
				if calls := len(s.requests()); calls < 2 || calls > test.calls {
					t.Errorf("the client called %d times in an hour, want 2 to %d", calls, test.calls)
				}
				s.breaks(nil)
				back := s.put("a", "2")
				pass(10 * time.Minute)
				wantHeld(t, c, back)
				wantState(t, c, hotswap.Streaming)
				if now := c.Status(); now.Err != nil || now.Stale {
					t.Errorf("all is well and the client is %+v", now)
				}
			})
		})
	}
}

// Who waits for values that the server refuses is told why at once, and gets them once it does not refuse any more.
func TestReadyIsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := serve(t)
		s.breaks(answers(http.StatusUnprocessableEntity, "invalid", 0))
		c := connect(t, s, nil)
		began := time.Now()
		var refusal *hotswap.Error
		if err := c.Ready(t.Context()); !errors.As(err, &refusal) || refusal.Status != http.StatusUnprocessableEntity || time.Since(began) > time.Minute {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
		wantState(t, c, hotswap.Refused)
		proxy := func(w http.ResponseWriter, r *http.Request) bool { http.NotFound(w, r); return true } // has no such route yet
		for _, passing := range []func(http.ResponseWriter, *http.Request) bool{answers(http.StatusServiceUnavailable, "unavailable", 0), proxy} {
			s.breaks(passing)
			pass(5 * time.Minute)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if err := c.Ready(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Ready does not wait: %v", err)
			}
			cancel()
		}
		s.breaks(nil)
		right := s.put("a", "1")
		pass(5 * time.Minute)
		wantHeld(t, c, right)
		if err := c.Ready(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestNothingKnown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := serve(t)
		s.breaks(answers(http.StatusServiceUnavailable, "unavailable", 0))
		c := connect(t, s, nil)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		err := c.Ready(ctx)
		var refusal *hotswap.Error
		if !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &refusal) || refusal.Code != "unavailable" {
			t.Errorf("Ready says %v, want the deadline and why", err)
		}
		if !c.Bool("a", true) || c.String("a", "b") != "b" || c.Revision() != "" {
			t.Error("there are other values than the defaults")
		}
	})
}

// A server that is behind, such as a node that has not heard of the last change yet, does not bring old values back; one
// that was restored does.
func TestRevisionsOnlyGoBackForGood(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := serve(t)
		first := s.put("a", "1")
		c := connect(t, s, nil)
		pass(0)
		wantHeld(t, c, first)
		second := s.put("a", "2")
		pass(0)
		wantHeld(t, c, second)

		s.behind(1)
		s.kill()
		for range 20 {
			pass(100 * time.Millisecond)
			wantHeld(t, c, second)
		}
		pass(time.Minute)
		wantHeld(t, c, first)
		s.behind(0)
		s.put("a", "3")
		pass(time.Second)
		wantHeld(t, c, s.now())
	})
}

func TestTellsOfChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := serve(t)
		s.set(map[string]string{"a": "1", "b": `"x"`})
		c := connect(t, s, nil)
		var mu sync.Mutex
		var got []string
		note := func(who string) func(hotswap.Change) {
			return func(ch hotswap.Change) {
				mu.Lock()
				defer mu.Unlock()
				got = append(got, fmt.Sprintf("%s: %s %s→%s", who, ch.Key, ch.Old, ch.New))
			}
		}
		want := func(want ...string) {
			t.Helper()
			pass(0)
			mu.Lock()
			defer mu.Unlock()
			if !slices.Equal(got, want) {
				t.Errorf("told of %q, want %q", got, want)
			}
			got = nil
		}
		pass(0)
		c.OnChange("a", note("one"))
		stop := c.OnChange("", note("all"))
		want()
		s.set(map[string]string{"a": "2", "b": `"x"`, "c": "null"})
		want("one: a 1→2", "all: a 1→2", "all: c →null")
		s.set(map[string]string{"b": `"y"`, "c": "null"})
		want("one: a 2→", "all: a 2→", `all: b "x"→"y"`)
		stop()
		s.put("a", "3")
		want("one: a →3")
		c.OnChange("a", func(hotswap.Change) { panic("in the application") })
		c.OnChange("a", note("after"))
		s.put("a", "4")
		want("one: a 3→4", "after: a 3→4")
		s.put("a", "5")
		want("one: a 4→5", "after: a 4→5")
	})
}

// A slow function of the application holds up no reader and no stream, and hears of where a value got to.
func TestSlowFunctionsSeeTheLastValue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := serve(t)
		s.put("a", "0")
		c := connect(t, s, nil)
		pass(0)
		var mu sync.Mutex
		var got []string
		c.OnChange("a", func(ch hotswap.Change) {
			mu.Lock()
			got = append(got, string(ch.New))
			mu.Unlock()
			time.Sleep(time.Second)
		})
		for n := range 10 {
			now := s.put("a", strconv.Itoa(n+1))
			pass(0)
			wantHeld(t, c, now)
		}
		pass(time.Minute)
		mu.Lock()
		defer mu.Unlock()
		if !slices.Equal(got, []string{"1", "10"}) {
			t.Errorf("told of %v, want 1 and 10", got)
		}
	})
}

func TestTellsTheServerWhatItHolds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := serve(t)
		c := connect(t, s, func(o *hotswap.Options) { o.Unit = "pod/7" })
		pass(5 * time.Second)
		for n := range 10 { // many changes are told of once
			s.put("a", strconv.Itoa(n))
		}
		pass(5 * time.Second)
		beats := s.heard()
		if len(beats) < 2 || len(beats) > 4 {
			t.Errorf("the server heard %v, want two or so", beats)
		}
		last := beats[len(beats)-1]
		if last["unit"] != "pod/7" || last["revision"] != s.now().revision || last["tenantId"] != "acme" || last["environment"] != "QA" {
			t.Errorf("the server heard %v", last)
		}
		pass(10 * time.Minute)
		if n := len(s.heard()); n < 15 || n > 25 {
			t.Errorf("in ten minutes the server heard of it %d times, want about 20", n)
		}
		s.breaks(func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodPut {
				problem(w, http.StatusForbidden, "forbidden", 0)
				return true
			}
			return false
		})
		s.requests()
		pass(time.Hour)
		if n := len(s.requests()); n < 10 || n > 20 {
			t.Errorf("a server that does not want to know is told %d times in an hour, want about 12", n)
		}
		if now := c.Status(); now.BeatErr == nil || now.Err != nil || now.State != hotswap.Streaming {
			t.Errorf("the client is %+v, want an error of the beat alone", now)
		}
	})
}

func TestCloseEndsEverything(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]func(http.ResponseWriter, *http.Request) bool{
		"streaming":  nil,
		"connecting": func(_ http.ResponseWriter, r *http.Request) bool { <-r.Context().Done(); return true },
		"waiting":    func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := serve(t)
				s.breaks(broken)
				o := hotswap.Options{URL: "http://hotswap.test/", Key: "secret", Tenant: "acme", Environment: "QA", HTTP: &s.Client, Unit: "u"}
				c, err := hotswap.New(o)
				if err != nil {
					t.Fatal(err)
				}
				pass(3 * time.Second)
				began := time.Now()
				c.Close()
				if d := time.Since(began); d > 0 {
					t.Errorf("closing took %v", d)
				}
				wantState(t, c, hotswap.Closed)
				s.requests()
				pass(time.Hour)
				if got := s.requests(); len(got) > 0 {
					t.Errorf("after its end the client asks %v", got)
				}
				c.Close() // again is nothing
			})
		})
	}
}

func TestOptionsThatAreWrong(t *testing.T) {
	t.Parallel()
	for _, o := range []hotswap.Options{
		{},
		{URL: "example.com", Key: "k"},
		{URL: "ftp://example.com", Key: "k"},
		{URL: "http://example.com?x=1", Key: "k"},
		{URL: "http://exa mple.com", Key: "k"},
		{URL: "http://example.com"},
		{URL: "http://example.com", Key: "k", PollEvery: -1},
	} {
		if c, err := hotswap.New(o); err == nil {
			c.Close()
			t.Errorf("%+v is taken", o)
		}
	}
}

// However a client is printed, its key is not.
func TestKeyIsNotPrinted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := serve(t)
		c := connect(t, s, func(o *hotswap.Options) { o.File = t.TempDir() + "/x" })
		synctest.Wait()
		for _, form := range []string{"%v", "%+v", "%#v", "%s"} {
			if text := fmt.Sprintf(form, c); strings.Contains(text, "secret") {
				t.Errorf("%s prints %s", form, text)
			}
		}
	})
}
