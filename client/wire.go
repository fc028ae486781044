package hotswap

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

const (
	// mostBody is more than the largest answer: 8 MiB of values with their keys.
	mostBody = 16 << 20
	// mostProblem is how much of a refusal is read.
	mostProblem = 64 << 10
	// callLimit bounds a call that is not a stream, and the wait for a stream to open.
	callLimit = 10 * time.Second
	// mostRetryAfter bounds how long a server may send the client away.
	mostRetryAfter = 10 * time.Minute
)

// Error is a refusal by the server.
type Error struct {
	Status     int           // of HTTP
	Code       string        // as in the API: unauthenticated, forbidden, not_found, rate_limited, unavailable, …
	Detail     string        // in words
	RetryAfter time.Duration // 0 when the server named no time
}

func (e *Error) Error() string {
	return fmt.Sprintf("hotswap: the server answers %d %s: %s", e.Status, e.Code, e.Detail)
}

// errTooLarge tells of an answer beyond mostBody.
var errTooLarge = fmt.Errorf("hotswap: more than %d MiB at once", mostBody>>20)

// refused tells whether the credential is not, or no longer, good for what is asked, or no such thing can be asked:
// asking again soon is no use.
func refused(err error) bool {
	var e *Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Status {
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusUnprocessableEntity:
		return true
	default:
		return false
	}
}

// said is a refusal in the server's own words; nil for what a proxy between may have made up.
func said(err error) error {
	var e *Error
	if errors.As(err, &e) && e.Code != "" {
		return err
	}
	return nil
}

// retryAfter is the time that the server names in its refusal.
func retryAfter(err error) time.Duration {
	var e *Error
	if errors.As(err, &e) {
		return e.RetryAfter
	}
	return 0
}

// wire makes the calls. The credential is in no field, so that it cannot be printed.
type wire struct {
	base      string
	calls     *http.Client
	streams   *http.Client // the same without a limit on the whole answer
	own       bool         // the connections are the client's
	authorize func(*http.Request)
}

func newWire(o Options) *wire {
	own := o.HTTP == nil
	if own {
		o.HTTP = &http.Client{Transport: transport()}
	}
	streams := *o.HTTP
	streams.Timeout = 0
	key := o.Key
	return &wire{
		base: o.URL, calls: o.HTTP, streams: &streams, own: own,
		authorize: func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+key) },
	}
}

// transport finds out by itself that a connection of HTTP/2 is dead, for all that go over it.
func transport() *http.Transport {
	t := &http.Transport{Proxy: http.ProxyFromEnvironment, IdleConnTimeout: 90 * time.Second, TLSHandshakeTimeout: callLimit, ForceAttemptHTTP2: true}
	t.HTTP2 = &http.HTTP2Config{SendPingTimeout: 15 * time.Second, PingTimeout: callLimit}
	return t
}

// close lets go of the connections.
func (w *wire) close() {
	if w.own {
		w.calls.CloseIdleConnections()
	}
}

// request is a call of the API below its prefix.
func (w *wire) request(ctx context.Context, method, path string, query url.Values, content any) (*http.Request, error) {
	target := w.base + "/api/v1" + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	var send io.Reader = http.NoBody
	if content != nil {
		text, err := json.Marshal(content)
		if err != nil {
			return nil, err
		}
		send = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(ctx, method, target, send)
	if err != nil {
		return nil, err
	}
	if content != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("User-Agent", "hotswap-go")
	w.authorize(r)
	return r, nil
}

// answer is what a call is answered with.
type answer struct {
	header http.Header
	data   []byte // nil: what is known has not been modified
}

// call makes a call that is answered at once; a refusal is an *Error.
func (w *wire) call(r *http.Request) (answer, error) {
	response, err := w.calls.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	switch {
	case response.StatusCode == http.StatusNotModified:
		return answer{header: response.Header}, nil
	case response.StatusCode/100 != 2:
		return answer{}, refusal(response)
	}
	data, err := bounded(response.Body)
	return answer{response.Header, data}, err
}

func bounded(r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, mostBody+1))
	if err == nil && len(data) > mostBody {
		return nil, errTooLarge
	}
	return data, err
}

// refusal reads a problem document, or whatever a proxy puts in its place.
func refusal(response *http.Response) *Error {
	e := &Error{Status: response.StatusCode, Detail: http.StatusText(response.StatusCode), RetryAfter: after(response.Header)}
	text, err := io.ReadAll(io.LimitReader(response.Body, mostProblem))
	var problem struct{ Code, Detail string }
	if err == nil && json.Unmarshal(text, &problem) == nil && problem.Code != "" {
		e.Code, e.Detail = problem.Code, problem.Detail
	}
	return e
}

// after reads Retry-After, in seconds or as a date (RFC 9110, 10.2.3).
func after(h http.Header) time.Duration {
	text := h.Get("Retry-After")
	d := time.Duration(0)
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		d = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(text); err == nil {
		d = time.Until(at)
	}
	return min(max(d, 0), mostRetryAfter)
}

// age reads how old the answer was when it was sent (RFC 9111, 5.1).
func age(h http.Header) time.Duration {
	seconds, err := strconv.ParseUint(h.Get("Age"), 10, 31)
	if err != nil {
		return 0
	}
	return time.Duration(seconds) * time.Second
}
