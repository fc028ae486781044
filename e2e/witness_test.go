package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/hotswap/hotswap/services/store/storetest"
	"github.com/hotswap/hotswap/web/webtest"
)

// witness calls a node as everybody and remembers what came back.
type witness struct {
	t     testing.TB
	site  *webtest.Site
	node  *node
	redis *storetest.Redis
	told  output // all that Redis was told
	since time.Time
	admin *http.Cookie // a session of the console

	secret, open *canaries
	answers      bytes.Buffer // all that should hold no secret
	looked       int
	inClear      int // answers that hold secrets, as they should
}

func (w *witness) as(name string) caller { return caller{w.t, w.node.url, w.site.Key(name)} }

// do calls and remembers the answer.
func (w *witness) do(c caller, method, path string, body any, status int) reply {
	w.t.Helper()
	return w.keep(c.do(method, path, body)).want(status)
}

// keep remembers an answer.
func (w *witness) keep(r reply) reply {
	w.looked++
	fmt.Fprintln(&w.answers, r.what, r.status, r.header)
	w.answers.Write(r.body)
	return r
}

// clear calls for an answer that holds secrets.
func (w *witness) clear(c caller, method, path string) reply {
	w.t.Helper()
	r := c.do(method, path, nil).want(http.StatusOK)
	w.inClear++
	return r
}

func (w *witness) session(name string) *http.Cookie { return w.site.Session(name) }

// page opens a page of the console.
func (w *witness) page(path string, status int) string {
	w.t.Helper()
	return string(w.browse(w.admin, http.MethodGet, path, nil, status).body)
}

// form sends one.
func (w *witness) form(path string, status int, pairs ...string) reply {
	w.t.Helper()
	return w.browse(w.admin, http.MethodPost, path, pairs, status)
}

func (w *witness) browse(who *http.Cookie, method, path string, pairs []string, status int) reply {
	w.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.node.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html")
	r.AddCookie(who)
	if pairs != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", w.node.url)
	}
	got, err := caller{t: w.t}.try(r)
	if err != nil {
		w.t.Fatalf("%s: %v", path, err)
	}
	return w.keep(got).want(status)
}

// monitor writes down every command that Redis is sent.
func (w *witness) monitor() {
	w.t.Helper()
	address := strings.TrimSuffix(strings.TrimPrefix(w.redis.URL, "redis://"), "/0")
	conn, err := new(net.Dialer).DialContext(w.t.Context(), "tcp", address)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, "MONITOR\r\n"); err != nil {
		w.t.Fatal(err)
	}
	go func() { _, _ = io.Copy(&w.told, conn) }() // until it is closed
	eventually(w.t, "Redis tells what it is told", func() bool { return w.told.contains("+OK") })
}

// lyingInRedis is what Redis holds: keys and values.
func (w *witness) lyingInRedis() []byte {
	w.t.Helper()
	o, err := redis.ParseURL(w.redis.URL)
	if err != nil {
		w.t.Fatal(err)
	}
	c := redis.NewClient(o)
	defer c.Close()
	var all bytes.Buffer
	for _, key := range c.Keys(w.t.Context(), "*").Val() {
		value, err := c.Get(w.t.Context(), key).Result()
		if errors.Is(err, redis.Nil) {
			continue // it expired meanwhile, as limits do; what Redis is told holds it all the same
		}
		if err != nil {
			w.t.Fatalf("%s: %v", key, err)
		}
		fmt.Fprintln(&all, key, value)
	}
	return all.Bytes()
}

// tables are all tables of the database, as text and as bytes.
func (w *witness) tables() map[string][]byte {
	w.t.Helper()
	db, out := w.site.DB.Connect(w.t, w.site.DB.AdminURL), map[string][]byte{}
	var names []string
	w.site.DB.Scan(w.t, `SELECT array_agg(relname) FROM pg_class WHERE relkind IN ('r', 'p', 'm', 'S') AND relnamespace = 'public'::regnamespace`, nil, &names)
	if len(names) < 25 {
		w.t.Fatalf("the tables are %v", names)
	}
	for _, name := range names {
		var all bytes.Buffer
		for _, format := range []string{"text", "binary"} {
			if _, err := db.PgConn().CopyTo(w.t.Context(), &all, `COPY (SELECT * FROM "`+name+`") TO STDOUT (FORMAT `+format+`)`); err != nil {
				w.t.Fatalf("%s: %v", name, err)
			}
		}
		out["table "+name] = all.Bytes()
	}
	return out
}

// files are those of the database as they lie on the disk: rows that were deleted, the write-ahead log and what the
// server logged are there too.
func (w *witness) files() []byte {
	w.t.Helper()
	w.site.DB.Admin(w.t, "CHECKPOINT")
	var dir, own string
	w.site.DB.Scan(w.t, `SELECT current_setting('data_directory'), oid::text FROM pg_database WHERE datname = current_database()`, nil, &dir, &own)
	var all bytes.Buffer
	for _, root := range []string{filepath.Join(dir, "base", own), filepath.Join(dir, "pg_wal")} {
		if err := filepath.WalkDir(root, w.gather(&all)); err != nil {
			w.t.Fatal(err)
		}
	}
	logs, err := filepath.Glob(filepath.Join(filepath.Dir(dir), "*.log"))
	if err != nil || len(logs) == 0 {
		w.t.Fatalf("no log of the server beside %s (%v)", dir, err)
	}
	for _, path := range logs {
		if err := w.gather(&all)(path, nil, nil); err != nil {
			w.t.Fatal(err)
		}
	}
	return all.Bytes()
}

// gather takes files that were written since the test began.
func (w *witness) gather(into *bytes.Buffer) fs.WalkDirFunc {
	return func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		about, err := os.Stat(path)
		if os.IsNotExist(err) || err == nil && (about.IsDir() || about.ModTime().Before(w.since)) {
			return nil // other tests' databases come and go
		}
		text, err := os.ReadFile(path)
		into.Write(text)
		return err
	}
}

// rotate gives all tenants new data keys.
func (w *witness) rotate(ctx context.Context) {
	w.t.Helper()
	if done, err := w.node.Secrets.RotateAll(ctx); err != nil || done.Values == 0 || done.Unopened > 0 {
		w.t.Errorf("rotate: %+v, %v", done, err)
	}
}
