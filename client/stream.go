package hotswap

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"time"
)

var (
	// errCut tells of a stream that was open and broke off.
	errCut = errors.New("it was cut off")
	// errSilent tells of a stream without a heartbeat.
	errSilent = errors.New("hotswap: the server is silent")
)

// ended is the server's own word on why it closes a stream.
type ended struct {
	Reason string `json:"reason"` // shutdown, revoked, suspended, slow, …
	Code   string `json:"code"`   // as in Error, if it is a refusal
}

func (e *ended) Error() string { return "hotswap: the server ends it: " + e.Reason }

// forbids tells whether another stream will be refused as well.
func (e *ended) forbids() bool { return e.Reason == "revoked" || e.Reason == "suspended" }

// stream takes what the server pushes, until that ends; it tells why it did.
func (f *feed) stream(ctx context.Context) error {
	tenant, environment, err := f.client.place.get(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := time.AfterFunc(callLimit, func() { cancel(errSilent) })
	defer silence.Stop()

	r, err := f.client.wire.request(ctx, http.MethodGet, "/configs/tenant/"+url.PathEscape(tenant)+"/stream", query(environment, f.client.options.Unit), nil)
	if err != nil {
		return err
	}
	response, err := f.client.wire.open(r, f.eventID)
	if err != nil {
		return cmp.Or(context.Cause(ctx), err)
	}
	defer func() { _ = response.Body.Close() }()
	silence.Reset(f.client.options.Silence)
	f.fits = f.eventID != "" // then the server goes on from what is held
	from := heard{response.Body, func() {
		silence.Reset(f.client.options.Silence)
		if f.fits {
			f.client.status.heard(time.Now(), false)
			f.client.state(Streaming)
		}
	}}
	stream := newEvents(from, func(d time.Duration) { f.retry = d })
	for {
		e, err := stream.next()
		if err != nil {
			return f.broken(because(ctx, err))
		}
		if err := f.event(e); err != nil {
			return f.broken(err)
		}
		if f.fits {
			f.client.status.heard(time.Now(), false)
			f.client.state(Streaming)
		}
	}
}

// open opens a stream, after the event with the id if there is one.
func (w *wire) open(r *http.Request, after string) (*http.Response, error) {
	r.Header.Set("Accept", "text/event-stream")
	r.Header.Set("Accept-Encoding", "identity") // what is packed comes in lumps
	r.Header.Set("Cache-Control", "no-cache")
	if after != "" {
		r.Header.Set("Last-Event-ID", after)
	}
	response, err := w.streams.Do(r)
	if err != nil {
		return nil, err
	}
	kind, _, err := mime.ParseMediaType(response.Header.Get("Content-Type"))
	switch {
	case response.StatusCode != http.StatusOK:
		err = refusal(response)
	case err != nil || kind != "text/event-stream":
		err = fmt.Errorf("hotswap: no stream but %q", kind)
	default:
		return response, nil
	}
	_ = response.Body.Close()
	return nil, err
}

// event takes one event. Those with unknown names are of a newer server.
func (f *feed) event(e event) error {
	switch e.name {
	case "snapshot":
		next, err := parse(e.data, f.client.Snapshot())
		if err != nil {
			return err
		}
		return f.pushed(next, e.id)
	case "change":
		if !f.fits {
			return fmt.Errorf("%w: it is the first event", errUnfit)
		}
		next, err := f.client.Snapshot().apply(e.data)
		if err != nil {
			return err
		}
		return f.pushed(next, e.id)
	case "end":
		end := &ended{Reason: "no reason"}
		_ = json.Unmarshal(e.data, end) // it ends either way
		return end
	default:
		return nil
	}
}

func (f *feed) pushed(next *Snapshot, id string) error {
	if err := f.take(next); err != nil {
		return err
	}
	f.tag, f.eventID, f.fits = "", id, true
	return nil
}

// broken forgets where the stream was, unless another can go on there.
func (f *feed) broken(err error) error {
	if !quiet(err) && !errors.Is(err, errSilent) {
		f.eventID = ""
	}
	return err
}

// because is why a stream could not be read on: silence, the end of the client, or else a cut.
func because(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if errors.Is(err, errTooLarge) {
		return err
	}
	return errors.Join(errCut, err)
}

// heard tells of whatever is read, heartbeats included.
type heard struct {
	io.Reader
	tell func()
}

func (h heard) Read(p []byte) (int, error) {
	n, err := h.Reader.Read(p)
	if n > 0 {
		h.tell()
	}
	return n, err
}
