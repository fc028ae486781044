package webtest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/hotswap/hotswap/web"
)

// Body is a JSON object as a caller writes it.
type Body map[string]any

// Caller calls the API with one credential.
type Caller struct {
	t       testing.TB
	url     string
	client  *http.Client
	headers []string // name, value, name, value
}

// As calls with the key of that name.
func (s *Site) As(name string) *Caller {
	s.t.Helper()
	return s.With(s.Key(name))
}

// With calls with that credential; empty means none.
func (s *Site) With(credential string) *Caller {
	c := &Caller{t: s.t, url: s.URL, client: s.client}
	if credential == "" {
		return c
	}
	return c.Header("Authorization", "Bearer "+credential)
}

// Header is the same caller who sends a header as well.
func (c *Caller) Header(name, value string) *Caller {
	return &Caller{t: c.t, url: c.url, client: c.client, headers: append(slices.Clip(c.headers), name, value)}
}

// Get calls a path below the API's prefix, or any that begins with /api/.
func (c *Caller) Get(path string) *Response { return c.Do(http.MethodGet, path, nil) }

// Post calls with a body: a text as it is, or what becomes JSON; nil is none.
func (c *Caller) Post(path string, body any) *Response { return c.Do(http.MethodPost, path, body) }

// Put calls like Post.
func (c *Caller) Put(path string, body any) *Response { return c.Do(http.MethodPut, path, body) }

// Patch calls like Post.
func (c *Caller) Patch(path string, body any) *Response { return c.Do(http.MethodPatch, path, body) }

// Delete calls without a body.
func (c *Caller) Delete(path string) *Response { return c.Do(http.MethodDelete, path, nil) }

// Do sends a request and reads the whole answer.
func (c *Caller) Do(method, path string, body any) *Response {
	c.t.Helper()
	if !strings.HasPrefix(path, "/api/") {
		path = web.Prefix + path
	}
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.url+path, c.reader(body))
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(c.headers); i += 2 {
		r.Header.Set(c.headers[i], c.headers[i+1])
	}
	answer, err := c.client.Do(r)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	text, err := io.ReadAll(answer.Body)
	if err == nil {
		err = answer.Body.Close()
	}
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	return &Response{t: c.t, call: method + " " + path, status: answer.StatusCode, Header: answer.Header, Text: string(text)}
}

func (c *Caller) reader(body any) io.Reader {
	c.t.Helper()
	switch body := body.(type) {
	case nil:
		return http.NoBody
	case string:
		return strings.NewReader(body)
	default:
		text, err := json.Marshal(body)
		if err != nil {
			c.t.Fatalf("body: %v", err)
		}
		return bytes.NewReader(text)
	}
}

// Response is an answer.
type Response struct {
	Header http.Header
	Text   string

	t      testing.TB
	call   string
	status int
}

// Status is the answer's status.
func (r *Response) Status() int { return r.status }

// Want ends the test unless the answer has that status.
func (r *Response) Want(status int) *Response {
	r.t.Helper()
	if r.status != status {
		r.t.Fatalf("%s answered %d, want %d: %s", r.call, r.status, status, r.Text)
	}
	return r
}

// Refused fails the test unless the answer is a problem with that status and code.
func (r *Response) Refused(status int, code string) *Response {
	r.t.Helper()
	if r.Want(status).Field("code") != code {
		r.t.Errorf("%s: code %s, want %s: %s", r.call, r.Field("code"), code, r.Text)
	}
	return r
}

// JSON is the body, with numbers as they were sent.
func (r *Response) JSON() any {
	r.t.Helper()
	decoder := json.NewDecoder(strings.NewReader(r.Text))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		r.t.Fatalf("%s: %v: %s", r.call, err, r.Text)
	}
	return v
}

// Has tells whether there is such a member: "items.0.key".
func (r *Response) Has(path string) bool {
	r.t.Helper()
	_, ok := r.find(path)
	return ok
}

// Field is a member of the body: a string as it is, anything else as JSON. The test ends if it is not there.
func (r *Response) Field(path string) string {
	r.t.Helper()
	v, ok := r.find(path)
	if !ok {
		r.t.Fatalf("%s has no %s: %s", r.call, path, r.Text)
	}
	if s, ok := v.(string); ok {
		return s
	}
	text, err := json.Marshal(v)
	if err != nil {
		r.t.Fatalf("%s: %v", path, err)
	}
	return string(text)
}

// Len is how many elements or members there are.
func (r *Response) Len(path string) int {
	r.t.Helper()
	switch v, _ := r.find(path); v := v.(type) {
	case []any:
		return len(v)
	case map[string]any:
		return len(v)
	default:
		r.t.Fatalf("%s has no list %s: %s", r.call, path, r.Text)
		return 0
	}
}

func (r *Response) find(path string) (v any, ok bool) {
	r.t.Helper()
	v = r.JSON()
	for name := range strings.SplitSeq(path, ".") {
		switch held := v.(type) {
		case map[string]any:
			v, ok = held[name]
		case []any:
			i, err := strconv.Atoi(name)
			if ok = err == nil && i >= 0 && i < len(held); ok {
				v = held[i]
			}
		default:
			ok = false
		}
		if !ok {
			return nil, false
		}
	}
	return v, true
}
