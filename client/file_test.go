package hotswap_test

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	hotswap "github.com/hotswap/hotswap/client"
)

// alone makes a client without a server.
func alone(t *testing.T, s *server, with func(*hotswap.Options)) *hotswap.Client {
	t.Helper()
	s.breaks(func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) })
	c := connect(t, s, with)
	pass(time.Minute)
	return c
}

// leave has a client write its file and end.
func leave(t *testing.T, s *server, path string) state {
	t.Helper()
	known := s.set(map[string]string{"a": "1", "text": `"<b>"`, "password": `"canary-4711"`})
	c := connect(t, s, func(o *hotswap.Options) { o.File = path })
	pass(0)
	wantHeld(t, c, known)
	c.Close()
	return known
}

func TestFileIsReadWithoutAServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, path := serve(t), filepath.Join(t.TempDir(), "known")
		known := leave(t, s, path)
		c := alone(t, s, func(o *hotswap.Options) { o.File = path })
		if err := c.Ready(t.Context()); err != nil {
			t.Error(err)
		}
		wantHeld(t, c, known)
		wantState(t, c, hotswap.Unreachable)
		if now := c.Status(); !now.FromFile || now.Age() < time.Minute || now.Age() > 2*time.Minute {
			t.Errorf("the client is %+v", now)
		}
		s.breaks(nil)
		var moved []string
		c.OnChange("", func(ch hotswap.Change) { moved = append(moved, ch.Key) })
		back := s.put("a", "2")
		pass(time.Minute)
		wantHeld(t, c, back)
		if len(moved) != 1 || moved[0] != "a" {
			t.Errorf("told of %v, want a alone", moved)
		}
		if c.Status().FromFile {
			t.Error("what the server says counts as from the file")
		}
	})
}

func TestFileIsForItsOwnerAndSealed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, path := serve(t), filepath.Join(t.TempDir(), "known")
		leave(t, s, path)
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the file is %v, %v", info, err)
		}
		data, err := os.ReadFile(path)
		if err != nil || bytes.Contains(data, []byte("canary")) || bytes.Contains(data, []byte("password")) {
			t.Errorf("the file tells what it holds, %v", err)
		}
		if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
			t.Errorf("beside the file there is %v, %v", left, err)
		}
	})
}

// A file of something else, or a damaged one, is not used, said so, and written anew.
func TestFilesThatAreNotUsed(t *testing.T) {
	t.Parallel()
	spoil := func(with func([]byte) []byte) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			t.Helper()
			data, err := os.ReadFile(path)
			if err == nil {
				err = os.WriteFile(path, with(data), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	tests := map[string]struct {
		spoil func(*testing.T, string)
		with  func(*hotswap.Options)
	}{
		"another tenant":      {with: func(o *hotswap.Options) { o.Tenant = "globex" }},
		"another environment": {with: func(o *hotswap.Options) { o.Environment = "Production" }},
		"another server":      {with: func(o *hotswap.Options) { o.URL = "http://other.test" }},
		"another key":         {with: func(o *hotswap.Options) { o.Key = "other" }},
		"a bit":               {spoil: spoil(func(b []byte) []byte { b[len(b)-20] ^= 1; return b })},
		"cut":                 {spoil: spoil(func(b []byte) []byte { return b[:len(b)/2] })},
		"shorter than a salt": {spoil: spoil(func(b []byte) []byte { return b[:30] })},
		"empty":               {spoil: spoil(func([]byte) []byte { return nil })},
		"something else":      {spoil: spoil(func([]byte) []byte { return []byte("{}") })},
		"far too much":        {spoil: spoil(func(b []byte) []byte { return append(b, make([]byte, 17<<20)...) })},
		"a directory":         {spoil: func(t *testing.T, path string) { t.Helper(); _ = os.Remove(path); _ = os.Mkdir(path, 0o700) }},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, path := serve(t), filepath.Join(t.TempDir(), "known")
				leave(t, s, path)
				if test.spoil != nil {
					test.spoil(t, path)
				}
				var said []string
				c := alone(t, s, func(o *hotswap.Options) {
					o.File = path
					o.OnError = func(err error) { said = append(said, err.Error()) }
					if test.with != nil {
						test.with(o)
					}
				})
				if c.Revision() != "" || c.Snapshot().Len() != 0 {
					t.Errorf("the client took %v", c.Snapshot().Keys())
				}
				if len(said) == 0 || !strings.Contains(said[0], "file") {
					t.Errorf("the client said %q, nothing of the file", said)
				}
			})
		})
	}
}

func TestFileKeySurvivesAnotherCredential(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, path := serve(t), filepath.Join(t.TempDir(), "known")
		known := s.put("a", "1")
		c := connect(t, s, func(o *hotswap.Options) { o.File, o.FileKey = path, "of the file" })
		pass(0)
		c.Close()
		next := alone(t, s, func(o *hotswap.Options) { o.File, o.FileKey, o.Key = path, "of the file", "new" })
		wantHeld(t, next, known)
	})
}

// However often values move, the file is written now and then, and in the end it is the last.
func TestFileIsWrittenNowAndThen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, path := serve(t), filepath.Join(t.TempDir(), "known")
		c := connect(t, s, func(o *hotswap.Options) { o.File = path })
		pass(0)
		writes, last := 0, ""
		for n := range 600 { // a minute
			s.put("a", string(rune('0'+n%10)))
			pass(100 * time.Millisecond)
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if string(data) != last {
				writes, last = writes+1, string(data)
			}
		}
		if writes < 10 || writes > 14 {
			t.Errorf("the file was written %d times in a minute, want about 12", writes)
		}
		c.Close()
		wantHeld(t, alone(t, s, func(o *hotswap.Options) { o.File = path }), s.now())
	})
}

// Values are read when the file cannot be written.
func TestNoPlaceForTheFile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := serve(t)
		var said []string
		c := connect(t, s, func(o *hotswap.Options) {
			o.File = filepath.Join(t.TempDir(), "nowhere", "known")
			o.OnError = func(err error) { said = append(said, err.Error()) }
		})
		pass(time.Second)
		wantHeld(t, c, s.now())
		c.Close()
		if len(said) == 0 {
			t.Error("nobody was told")
		}
	})
}
