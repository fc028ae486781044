package e2e_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// client keeps enough connections for the tests that write from many goroutines. Redirects are for tests to see.
var client = &http.Client{
	Timeout:       30 * time.Second,
	Transport:     &http.Transport{MaxIdleConnsPerHost: 64},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// caller calls the API with one credential.
type caller struct {
	t          testing.TB
	url        string
	credential string
}

// reply is an answer, read to its end.
type reply struct {
	t      testing.TB
	what   string // method and path
	status int
	header http.Header
	body   []byte
}

func (c caller) get(path string) reply            { c.t.Helper(); return c.do("GET", path, nil) }
func (c caller) post(path string, body any) reply { c.t.Helper(); return c.do("POST", path, body) }
func (c caller) put(path string, body any) reply  { c.t.Helper(); return c.do("PUT", path, body) }

// do calls; a string is sent as it is, anything else as JSON, nil not at all.
func (c caller) do(method, path string, body any) reply {
	c.t.Helper()
	r, err := c.try(c.request(method, path, body))
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	return r
}

func (c caller) request(method, path string, body any) *http.Request {
	c.t.Helper()
	var content io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		content = strings.NewReader(b)
	default:
		text, err := json.Marshal(b)
		if err != nil {
			c.t.Fatalf("encode a body: %v", err)
		}
		content = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.url+"/api/v1"+path, content)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	r.Header.Set("Authorization", "Bearer "+c.credential)
	if content != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	return r
}

// try is for calls that may fail: the server may be killed meanwhile.
func (c caller) try(r *http.Request) (reply, error) {
	resp, err := client.Do(r)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return reply{}, err
	}
	return reply{c.t, r.Method + " " + r.URL.RequestURI(), resp.StatusCode, resp.Header, body}, nil
}

func (r reply) want(status int) reply {
	r.t.Helper()
	if r.status != status {
		r.t.Fatalf("%s: %d, want %d: %s", r.what, r.status, status, r.body)
	}
	return r
}

// problem wants an RFC 9457 answer with status and code.
func (r reply) problem(status int, code string) reply {
	r.t.Helper()
	r.want(status)
	if got := r.header.Get("Content-Type"); got != "application/problem+json" {
		r.t.Errorf("%s: Content-Type %q", r.what, got)
	}
	if got := r.text("code"); code != "" && got != code {
		r.t.Errorf("%s: code %q, want %q: %s", r.what, got, code, r.body)
	}
	return r
}

// field finds a member by its path, such as "change.stages.0.name"; numbers stay as they were written.
func (r reply) field(path string) any {
	r.t.Helper()
	var at any
	decoder := json.NewDecoder(bytes.NewReader(r.body))
	decoder.UseNumber()
	if err := decoder.Decode(&at); err != nil {
		r.t.Fatalf("%s: not JSON: %v: %s", r.what, err, r.body)
	}
	for name := range strings.SplitSeq(path, ".") {
		switch v := at.(type) {
		case map[string]any:
			at = v[name]
		case []any:
			i, err := strconv.Atoi(name)
			if err != nil || i >= len(v) {
				return nil
			}
			at = v[i]
		default:
			return nil
		}
	}
	return at
}

// text is a field that must be a string.
func (r reply) text(path string) string {
	r.t.Helper()
	s, ok := r.field(path).(string)
	if !ok {
		r.t.Fatalf("%s: no text at %s: %s", r.what, path, r.body)
	}
	return s
}

// into decodes the whole answer.
func (r reply) into(v any) {
	r.t.Helper()
	if err := json.Unmarshal(r.body, v); err != nil {
		r.t.Fatalf("%s: %v: %s", r.what, err, r.body)
	}
}
