package e2e_test

import (
	"encoding/json"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// devRoles are the keys of dev.json and the role that each acts in.
var devRoles = map[string]string{
	"admin": "platform-admin", "admin2": "platform-admin", "engineer": "engineer", "engineer2": "engineer",
	"manager": "manager", "compliance": "compliance", "auditor": "auditor", "viewer": "viewer", "app": "reader",
}

func TestDevTellsWhereEverythingIs(t *testing.T) {
	t.Parallel()
	s := dev(t)
	text, err := os.ReadFile(filepath.Join(s.dir, "dev.json"))
	if err != nil {
		t.Fatal(err)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"url", "metricsUrl", "databaseUrl", "redisUrl", "apiKeys"} {
		if members[name] == nil {
			t.Errorf("dev.json lacks %q", name)
		}
	}
	if got, want := slices.Sorted(maps.Keys(s.APIKeys)), slices.Sorted(maps.Keys(devRoles)); !slices.Equal(got, want) {
		t.Errorf("keys %v, want %v", got, want)
	}
	info, err := os.Stat(filepath.Join(s.dir, "dev.json"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("dev.json holds keys, and has the mode %v (%v)", info.Mode(), err)
	}
	wantRedisURL(t, s.RedisURL)
	wantMetrics(t, s.MetricsURL)
	for _, line := range []string{"Open " + s.URL + " and sign in as engineer@example.com\n", "curl "} {
		if !s.out.contains(line) {
			t.Errorf("hotswap dev does not print %q:\n%s", line, s.out)
		}
	}
	for _, secret := range []string{"admin", "engineer", "manager"} {
		if s.out.contains(s.APIKeys[secret]) {
			t.Errorf("hotswap dev prints the key of %s", secret)
		}
	}
}

// wantRedisURL is for redis://127.0.0.1:PORT/0 that answers without password.
func wantRedisURL(t *testing.T, redis string) {
	t.Helper()
	u, err := url.Parse(redis)
	if err != nil || u.Scheme != "redis" || u.Hostname() != "127.0.0.1" || u.Port() == "" || u.Path != "/0" || u.User != nil {
		t.Fatalf("redisUrl %q (%v)", redis, err)
	}
	conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(t.Context(), "tcp", u.Host)
	if err != nil {
		t.Fatalf("Redis: %v", err)
	}
	defer conn.Close()
	answer := make([]byte, 7)
	if _, err := conn.Write([]byte("PING\r\n")); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(answer); err != nil || string(answer) != "+PONG\r\n" {
		t.Errorf("Redis answers %q (%v)", answer, err)
	}
}

func wantMetrics(t *testing.T, metrics string) {
	t.Helper()
	r, err := caller{t: t}.try(mustRequest(t, metrics))
	if err != nil {
		t.Fatal(err)
	}
	r.want(http.StatusOK)
	if !strings.Contains(string(r.body), "\nhotswap_") {
		t.Errorf("the metrics say nothing of ours:\n%s", r.body)
	}
}

func mustRequest(t testing.TB, address string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestDevKeysHaveTheirRoles(t *testing.T) {
	t.Parallel()
	s := dev(t)
	for name, role := range devRoles {
		me := s.as(name).get("/me").want(http.StatusOK)
		if got := me.field("roles.0.role"); got != role || me.field("roles.1") != nil {
			t.Errorf("the key %s acts in the roles %v, want %s", name, me.field("roles"), role)
		}
		kind, wantKind := me.text("kind"), "person"
		if name == "app" {
			wantKind = "service"
		}
		if kind != wantKind {
			t.Errorf("the key %s is a %s's, want a %s's", name, kind, wantKind)
		}
		if name != "app" && me.field("email") != name+"@example.com" {
			t.Errorf("the key %s belongs to %v", name, me.field("email"))
		}
	}
	makeTenant(s, "acme-corp", "Pro")
	edit := map[string]any{"tenantId": "acme-corp", "key": "a", "value": 1, "environment": "Development"}
	s.as("viewer").post("/configs", edit).problem(http.StatusForbidden, "forbidden")
	s.as("app").post("/configs", edit).problem(http.StatusForbidden, "forbidden")
	s.as("viewer").get("/audit").problem(http.StatusForbidden, "forbidden")
	s.as("auditor").get("/audit").want(http.StatusOK)
	s.as("engineer").post("/configs", edit).want(http.StatusCreated)
	s.as("engineer").post("/tenants", map[string]any{"tenantId": "x", "name": "X", "tier": "Pro"}).problem(http.StatusForbidden, "forbidden")
	caller{t, s.URL, "hs_unknown_key"}.get("/me").problem(http.StatusUnauthorized, "unauthenticated")
}

func makeTenant(s *stack, id, tier string) {
	s.t.Helper()
	s.as("admin").post("/tenants", map[string]any{"tenantId": id, "name": strings.ToUpper(id), "tier": tier}).want(http.StatusCreated)
}

func TestDevInstancesSideBySide(t *testing.T) {
	t.Parallel()
	room(t, 2)
	one, two := start(t, t.TempDir(), "--empty"), start(t, t.TempDir(), "--empty")
	makeTenant(one, "acme-corp", "Pro")
	two.as("admin").get("/tenants/acme-corp").problem(http.StatusNotFound, "not_found")
	caller{t, two.URL, one.APIKeys["admin"]}.get("/me").problem(http.StatusUnauthorized, "unauthenticated")

	third := launch(t, one.dir, "--empty")
	if !third.ended(startLimit) {
		t.Fatal("a second hotswap dev runs in the same directory")
	}
	wantComplaint(t, third, "another hotswap dev")
	one.as("admin").get("/tenants/acme-corp").want(http.StatusOK)
	if two.ended(0) || one.ended(0) {
		t.Error("the one that was refused ended others")
	}
}

// wantComplaint is for a process that must end by itself with a sentence.
func wantComplaint(t *testing.T, s *stack, sentence string) {
	t.Helper()
	if code := s.cmd.ProcessState.ExitCode(); code == 0 {
		t.Error("it ends with exit code 0")
	}
	if !s.out.contains(sentence) {
		t.Errorf("it does not say %q:\n%s", sentence, s.out)
	}
	if s.out.contains("goroutine ") || s.out.contains("panic") {
		t.Errorf("it shows a stack trace:\n%s", s.out)
	}
}

func TestDevKeepsDataOverRestart(t *testing.T) {
	t.Parallel()
	s := dev(t)
	makeTenant(s, "acme-corp", "Pro")
	set := map[string]any{"tenantId": "acme-corp", "key": "limits.rate", "value": 100, "environment": "Development"}
	id := s.as("engineer").post("/configs", set).want(http.StatusCreated).text("id")
	children := descendants(t, s.cmd.Process.Pid)
	if len(children) < 2 {
		t.Errorf("hotswap dev has the children %v, want Postgres and Redis", children)
	}
	s.interrupt()
	wantGone(t, children)

	again := start(t, s.dir, "--empty")
	if !maps.Equal(s.APIKeys, again.APIKeys) {
		t.Error("the keys changed")
	}
	if s.Issuer != again.Issuer {
		t.Errorf("the issuer changed from %s to %s", s.Issuer, again.Issuer)
	}
	again.as("viewer").get("/configs/" + id).want(http.StatusOK)
	read := again.as("app").get("/configs/tenant/acme-corp?environment=Development").want(http.StatusOK)
	wantConfigs(t, read, map[string]string{"limits.rate": "100"})
}

// wantConfigs compares an application's read with JSON texts by key.
func wantConfigs(t testing.TB, r reply, want map[string]string) {
	t.Helper()
	var got struct{ Configs map[string]json.RawMessage }
	r.into(&got)
	texts := map[string]string{}
	for key, value := range got.Configs {
		texts[key] = string(value)
	}
	if !maps.Equal(texts, want) {
		t.Errorf("%s: configs %v, want %v", r.what, texts, want)
	}
}

func TestDevAfterKill(t *testing.T) {
	t.Parallel()
	s := dev(t)
	makeTenant(s, "acme-corp", "Pro")
	children := descendants(t, s.cmd.Process.Pid)
	s.kill()
	again := start(t, s.dir, "--empty")
	wantGone(t, children)
	again.as("admin").get("/tenants/acme-corp").want(http.StatusOK)
}

func TestDevBelowPrivateHome(t *testing.T) {
	t.Parallel()
	room(t, 1)
	home := t.TempDir()
	if err := os.Chmod(home, 0o700); err != nil {
		t.Fatal(err)
	}
	s := start(t, filepath.Join(home, "work", ".hotswap"), "--empty")
	makeTenant(s, "acme-corp", "Pro")
}

func TestDevWithStandardPortsTaken(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"127.0.0.1:5432", "127.0.0.1:6379"} {
		l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", address)
		if err != nil {
			t.Logf("%s is taken already: %v", address, err)
			continue
		}
		t.Cleanup(func() { _ = l.Close() })
	}
	s := dev(t)
	makeTenant(s, "acme-corp", "Pro")
	for _, address := range []string{s.DatabaseURL, s.RedisURL} {
		if u, err := url.Parse(address); err != nil || u.Port() == "5432" || u.Port() == "6379" {
			t.Errorf("dev uses a port that is taken: %v", u.Host)
		}
	}
}

func TestDevComplains(t *testing.T) {
	t.Parallel()
	taken := listen(t, "127.0.0.1:0").Addr().String()
	_, port, err := net.SplitHostPort(taken)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		flags []string
		says  string
	}{
		"port taken":          {[]string{"--listen", taken}, port},
		"listen without port": {[]string{"--listen", "localhost"}, "--listen"},
		"dir is a file":       {[]string{"--dir", file}, "file"},
		"unknown flag":        {[]string{"--lisen", taken}, "--lisen"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			flags := append([]string{"dev", "--dir", dir, "--listen", "127.0.0.1:0"}, test.flags...)
			out, code := hotswap(t, nil, flags...)
			if code == 0 {
				t.Error("exit code 0")
			}
			if !strings.Contains(out, test.says) || strings.Contains(out, "goroutine ") || strings.Contains(out, "panic") {
				t.Errorf("it says, instead of a sentence with %q:\n%s", test.says, out)
			}
			if left, err := os.ReadDir(dir); name == "port taken" && (err != nil || len(left) > 0) {
				t.Errorf("it left %v behind (%v)", left, err)
			}
		})
	}
}

func TestServeComplainsOfEverythingAtOnce(t *testing.T) {
	t.Parallel()
	values := map[string]string{
		"HOTSWAP_DATABASE_URL": "mysql://canary-user:canary-password@db/x", "HOTSWAP_OIDC_ISSUER": "ftp://canary-issuer",
		"HOTSWAP_LISTEN": "canary-listen", "HOTSWAP_OPS_LISTEN": "canary-ops", "HOTSWAP_TLS_CERT": "/canary-cert",
		"HOTSWAP_PUBLIC_URL": "https://canary-public/path", "HOTSWAP_MASTER_KEY": "/canary-master",
		"HOTSWAP_MASTER_KEY_OTHER": "canary-kms://canary",
		"HOTSWAP_REDIS_URL":        "rediss://canary-user:canary-password@cache?skip_verify=true", "HOTSWAP_CACHE_TTL": "canary-ttl",
	}
	var env []string
	for name, value := range values {
		env = append(env, name+"="+value)
	}
	out, code := hotswap(t, env, "serve")
	if code != 2 {
		t.Errorf("exit code %d, want 2", code)
	}
	for _, name := range append(slices.Collect(maps.Keys(values)), "HOTSWAP_OIDC_CLIENT_ID") {
		if !strings.Contains(out, name) {
			t.Errorf("no complaint about %s:\n%s", name, out)
		}
	}
	if strings.Contains(out, "canary") || strings.Contains(out, "goroutine ") {
		t.Errorf("a complaint repeats a value:\n%s", out)
	}
}

func TestServeRefusesTooMuchRight(t *testing.T) {
	t.Parallel()
	s := dev(t)
	settings := []string{
		"HOTSWAP_OIDC_ISSUER=" + s.Issuer, "HOTSWAP_OIDC_CLIENT_ID=hotswap", "HOTSWAP_PUBLIC_URL=http://127.0.0.1:8080",
		"HOTSWAP_LISTEN=127.0.0.1:0", "HOTSWAP_OPS_LISTEN=127.0.0.1:0", "HOTSWAP_MASTER_KEY=" + masterKey(t),
	}
	for _, role := range []string{"hotswap_owner", "postgres"} {
		address := s.databaseURL(role)
		out, code := hotswap(t, append(settings, "HOTSWAP_DATABASE_URL="+address), "serve")
		if code == 0 || !strings.Contains(out, role) && !strings.Contains(out, "role") {
			t.Errorf("as %s it ends with %d and says:\n%s", role, code, out)
		}
		if u, err := url.Parse(address); err != nil || strings.Contains(out, strconv.Quote(address)) || strings.Contains(out, password(u)) {
			t.Errorf("it repeats the password (%v)", err)
		}
	}
}

func password(u *url.URL) string {
	p, _ := u.User.Password()
	return p
}

func TestOwnersCommands(t *testing.T) {
	t.Parallel()
	s := dev(t)
	owner := []string{"HOTSWAP_OWNER_DATABASE_URL=" + s.databaseURL("hotswap_owner")}
	run := func(args ...string) string {
		t.Helper()
		out, code := hotswap(t, owner, args...)
		if code != 0 {
			t.Fatalf("hotswap %v: exit code %d:\n%s", args, code, out)
		}
		return out
	}
	run("migrate")
	run("migrate") // there is nothing left to do
	run("admin", "add", "--issuer", s.Issuer, "--email", "New.Admin@example.com")

	key := strings.TrimSpace(run("keys", "create", "--name", "e2e reader", "--role", "reader"))
	_, rest, _ := strings.Cut(key, "_")
	id, _, ok := strings.Cut(rest, "_")
	if !ok || !strings.HasPrefix(key, "hs_") {
		t.Fatalf("keys create prints %q", key)
	}
	eventually(t, "the new key is known", func() bool {
		return caller{t, s.URL, key}.get("/me").status == http.StatusOK
	})
	if list := run("keys", "list"); !strings.Contains(list, id) || strings.Contains(list, key) {
		t.Errorf("keys list prints:\n%s", list)
	}
	run("keys", "revoke", id)
	eventually(t, "the revoked key is refused", func() bool {
		return caller{t, s.URL, key}.get("/me").status == http.StatusUnauthorized
	})

	for _, action := range []string{"role_binding.create", "api_key.create", "api_key.revoke"} {
		if n := s.as("auditor").get("/audit?action=" + action).want(http.StatusOK); n.field("items.0") == nil {
			t.Errorf("no audit entry %s", action)
		}
	}
	for name, args := range map[string][]string{
		"unknown role": {"keys", "create", "--name", "x", "--role", "king"},
		"unknown key":  {"keys", "revoke", "nobody"},
		"no database":  {"migrate", "--database-url", "postgres://nobody@127.0.0.1:1/none"},
		"no URL":       {"migrate", "--database-url", "canary"},
	} {
		out, code := hotswap(t, owner, args...)
		if code == 0 || strings.Contains(out, "goroutine ") || strings.Contains(out, "canary") {
			t.Errorf("%s: exit code %d:\n%s", name, code, out)
		}
	}
}

// eventually is for what reaches the server by its scan of the heads, once a second.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for limit := time.Now().Add(10 * time.Second); !holds(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("not within 10 s: %s", what)
		}
	}
}
