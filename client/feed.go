package hotswap

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"
)

const (
	// settled is how long a stream must have lived for its end to be no failure.
	settled = 30 * time.Second
	// keptRevisions are remembered, to know what is older than what is held.
	keptRevisions = 64
	// behindLimit is how long a server may be behind: a node has heard of every change within 2 s, so what is behind
	// for longer was restored.
	behindLimit = 3 * time.Second
)

// errBehind tells of a revision that was held before another took its place.
var errBehind = errors.New("hotswap: the server is behind what is held")

// feed brings what the server has. It is one goroutine, so what comes from streams and from polls has an order.
type feed struct {
	client *Client

	retry   time.Duration // between streams, as the server wants it; 0: it named none
	eventID string        // of the event that made what is held; empty when something else did
	fits    bool          // what this stream brings goes on from what is held
	tag     string        // the ETag of what is held; empty when it is not known

	history []string  // the last revisions held, oldest first
	behind  time.Time // since when the server has been behind; zero: it is not

	pollFailures int // in a row
}

// run streams, and polls where that does not work, until the context ends.
func (f *feed) run(ctx context.Context) {
	if f.client.options.PollOnly {
		f.pause(ctx, 0, 1<<62)
		return
	}
	for failures := 0; ctx.Err() == nil; {
		began := time.Now()
		err := f.stream(ctx)
		if ctx.Err() != nil {
			return
		}
		f.client.failed(fmt.Errorf("stream: %w", err))
		failures++
		if time.Since(began) >= settled {
			failures = 0
		}
		f.pause(ctx, f.due(err), f.wait(err, failures))
	}
}

// due is how long until a poll is wanted in the place of the stream that has ended.
func (f *feed) due(err error) time.Duration {
	now := f.client.status.get()
	if now.State != Polling && !quiet(err) {
		return 0 // does the server answer at all?
	}
	return time.Until(now.Heard.Add(around(f.client.options.PollEvery)))
}

// quiet tells whether a stream ended in a way that asks for nothing but another one.
func quiet(err error) bool {
	var end *ended
	return errors.Is(err, errCut) || errors.As(err, &end) && !end.forbids()
}

// wait is how long until the next stream.
func (f *feed) wait(err error, failures int) time.Duration {
	var end *ended
	switch {
	case refused(err), errors.As(err, &end) && end.forbids():
		return max(spread(slowRetry), spread(retryAfter(err)))
	case retryAfter(err) > 0:
		return spread(retryAfter(err))
	case failures == 0 && f.retry > 0:
		return spread(f.retry)
	default:
		return max(backoff(failures, firstRetry), min(f.retry, lastRetry))
	}
}

// pause polls: first after a while, and then as often as the options say, until the time is over.
func (f *feed) pause(ctx context.Context, first, whole time.Duration) {
	until := time.Now().Add(whole)
	for next := first; ; next = f.poll(ctx) {
		left := time.Until(until)
		if next >= left {
			sleep(ctx, left)
			return
		}
		if next > 0 && !sleep(ctx, next) || ctx.Err() != nil {
			return
		}
	}
}

// poll asks once, and tells how long until the next time.
func (f *feed) poll(ctx context.Context) time.Duration {
	err := f.read(ctx)
	if err == nil {
		f.pollFailures = 0
		f.client.state(Polling)
		return around(f.client.options.PollEvery)
	}
	if ctx.Err() != nil {
		return 0
	}
	f.pollFailures++
	f.client.failed(fmt.Errorf("poll: %w", err))
	if refused(err) {
		f.client.state(Refused)
		return max(spread(slowRetry), spread(retryAfter(err)))
	}
	f.client.state(Unreachable)
	return max(min(backoff(f.pollFailures, firstRetry), f.client.options.PollEvery), spread(retryAfter(err)))
}

// read asks for the whole set, if it is another one than what is held.
func (f *feed) read(ctx context.Context) error {
	tenant, environment, err := f.client.place.get(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	r, err := f.client.wire.request(ctx, http.MethodGet, "/configs/tenant/"+url.PathEscape(tenant), query(environment, f.client.options.Unit), nil)
	if err != nil {
		return err
	}
	if f.tag != "" {
		r.Header.Set("If-None-Match", f.tag)
	}
	got, err := f.client.wire.call(r)
	if err != nil {
		return err
	}
	heard := time.Now().Add(-age(got.header))
	if got.data == nil {
		if f.tag == "" {
			return errors.New("304 to a question for all")
		}
		f.client.status.heard(heard, false)
		return nil
	}
	held := f.client.Snapshot()
	next, err := parse(got.data, held)
	if err != nil {
		return err
	}
	if err := f.take(next); err != nil {
		return err
	}
	f.tag = got.header.Get("ETag")
	if next.revision != held.revision {
		f.eventID = "" // that event is no longer what changes build on
	}
	f.client.status.heard(heard, false)
	return nil
}

// take makes a snapshot what readers see, but for one that was held before: that is what a node says that has not heard
// of the last changes yet. Revisions are opaque, so nothing else tells.
func (f *feed) take(next *Snapshot) error {
	held := f.client.Snapshot()
	if next.revision != held.revision && slices.Contains(f.history, next.revision) {
		if f.behind.IsZero() {
			f.behind = time.Now()
		}
		if time.Since(f.behind) < behindLimit {
			return errBehind
		}
		f.client.options.Log.Warn("the server went back to an older revision for good", "from", held.revision, "to", next.revision)
		f.history = nil
	}
	f.behind = time.Time{}
	if next.revision != held.revision {
		f.history = append(f.history, next.revision)
		f.history = f.history[max(0, len(f.history)-keptRevisions):]
	}
	f.client.install(next)
	return nil
}

// state notes how the client stands with the server, and logs what is new.
func (c *Client) state(state State) {
	var why error
	if state == Refused && c.Revision() == "" {
		why = said(c.status.get().Err)
	}
	c.denial.set(why)
	if c.status.since(state) {
		c.options.Log.Info("configuration", "state", string(state), "revision", c.Revision())
	}
}
