package devstack_test

import (
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hotswap/hotswap/cmd/hotswap/devstack"
)

func TestPostgresKeepsItsDataAndAddress(t *testing.T) {
	t.Parallel()
	ctx := within(t, 2*time.Minute)
	dir := filepath.Join(t.TempDir(), "not", "there", "yet")
	first := startPostgres(ctx, t, devstack.Options{Dir: dir})
	address := first.URL(devstack.Owner, devstack.Database)
	query(ctx, t, address, "CREATE TABLE kept AS SELECT 'as it was' AS word")
	stop(ctx, t, first)
	if _, err := tryQuery(ctx, address, "SELECT 1"); err == nil {
		t.Fatal("it answers after Stop")
	}

	second := startPostgres(ctx, t, devstack.Options{Dir: dir})
	if got := second.URL(devstack.Owner, devstack.Database); got != address {
		t.Errorf("the address became %s, was %s", got, address)
	}
	if got := query(ctx, t, address, "SELECT word FROM kept"); got != "as it was" {
		t.Errorf("the data became %q", got)
	}
	if got := query(ctx, t, address, "SELECT current_setting('fsync')"); got != "on" {
		t.Errorf("fsync is %s without Fast", got)
	}
	stop(ctx, t, second)
	stop(ctx, t, second) // does nothing
}

func TestPostgresGivesEachRoleItsRights(t *testing.T) {
	t.Parallel()
	ctx := within(t, 2*time.Minute)
	p := startPostgres(ctx, t, devstack.Options{Dir: t.TempDir(), Fast: true})
	super := p.URL(devstack.Superuser, "postgres")
	const attributes = `SELECT rolcanlogin, rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls
		FROM pg_roles WHERE rolname = $1`
	for _, role := range []string{devstack.Owner, devstack.App} {
		if got := query(ctx, t, super, attributes, role); got != "true false false false false false" {
			t.Errorf("%s has %s", role, got)
		}
	}
	const database = `SELECT pg_get_userbyid(datdba), pg_encoding_to_char(encoding), datctype
		FROM pg_database WHERE datname = 'hotswap'`
	if got := query(ctx, t, super, database); got != "hotswap_owner UTF8 C.UTF-8" && got != "hotswap_ownerUTF8C.UTF-8" {
		t.Errorf("the database is %s", got)
	}
	query(ctx, t, p.URL(devstack.Owner, devstack.Database), "CREATE TABLE t (n int)")
	for name, c := range map[string]struct{ role, sql string }{
		"app makes a table":        {devstack.App, "CREATE TABLE mine (n int)"},
		"app makes a schema":       {devstack.App, "CREATE SCHEMA mine"},
		"app makes a temp table":   {devstack.App, "CREATE TEMPORARY TABLE mine (n int)"},
		"app reads owner's table":  {devstack.App, "SELECT * FROM t"},
		"owner makes a database":   {devstack.Owner, "CREATE DATABASE mine"},
		"owner becomes superuser":  {devstack.Owner, "ALTER ROLE hotswap_owner SUPERUSER"},
		"app reads a server file":  {devstack.App, "SELECT pg_read_file('/etc/passwd')"},
		"app turns off row checks": {devstack.App, "ALTER ROLE hotswap_app BYPASSRLS"},
	} {
		if _, err := tryQuery(ctx, p.URL(c.role, devstack.Database), c.sql); err == nil || !strings.Contains(err.Error(), "42501") {
			t.Errorf("%s: got %v, want insufficient privilege", name, err)
		}
	}
}

func TestPostgresSettings(t *testing.T) {
	t.Parallel()
	ctx := within(t, 2*time.Minute)
	dir := t.TempDir()
	p := startPostgres(ctx, t, devstack.Options{Dir: dir, Fast: true})
	for setting, want := range map[string]string{
		"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "listen_addresses": "127.0.0.1",
		"max_connections": "200", "shared_buffers": "128MB", "unix_socket_directories": "", "TimeZone": "UTC",
		"password_encryption": "scram-sha-256",
	} {
		if got := query(ctx, t, p.URL(devstack.Superuser, "postgres"), "SHOW "+setting); got != want {
			t.Errorf("%s is %q, want %q", setting, got, want)
		}
	}
	for _, name := range []string{"postgres.password", "postgres.log", "postgres.lock"} {
		if got := mode(t, filepath.Join(dir, name)); got != 0o600 {
			t.Errorf("%s has mode %o", name, got)
		}
	}
	u, err := url.Parse(p.URL(devstack.App, devstack.Database))
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(devstack.App, "guess")
	if _, err := tryQuery(ctx, u.String(), "SELECT 1"); err == nil || !strings.Contains(err.Error(), "28P01") {
		t.Errorf("a wrong password got %v", err)
	}
}

func TestInstancesRunSideBySideButNotInOneDirectory(t *testing.T) {
	t.Parallel()
	ctx := within(t, 2*time.Minute)
	dir := t.TempDir()
	opts := devstack.Options{Dir: dir, Fast: true}
	one, other := startPostgres(ctx, t, opts), startPostgres(ctx, t, devstack.Options{Dir: t.TempDir(), Fast: true})
	query(ctx, t, one.URL(devstack.Owner, devstack.Database), "CREATE TABLE only_here (n int)")
	found := query(ctx, t, other.URL(devstack.Owner, devstack.Database), "SELECT to_regclass('only_here') IS NOT NULL")
	if found != "false" {
		t.Error("both are one")
	}
	startRedis(ctx, t, opts)
	startIdentity(ctx, t, devstack.IdentityOptions{Dir: dir})

	_, errPostgres := devstack.StartPostgres(ctx, opts)
	_, errRedis := devstack.StartRedis(ctx, opts)
	_, errIdentity := devstack.StartIdentity(ctx, devstack.IdentityOptions{Dir: dir})
	for _, err := range []error{errPostgres, errRedis, errIdentity} {
		if !errors.Is(err, devstack.ErrInUse) || !strings.Contains(err.Error(), "another hotswap dev (process ") ||
			!strings.Contains(err.Error(), dir) {
			t.Errorf("a second start in one directory got %v", err)
		}
	}
	query(ctx, t, one.URL(devstack.Owner, devstack.Database), "SELECT 1 FROM only_here") // still up
}

func TestPostgresLeavesAnOccupiedPort(t *testing.T) {
	t.Parallel()
	ctx := within(t, 2*time.Minute)
	opts := devstack.Options{Dir: t.TempDir(), Fast: true}
	p := startPostgres(ctx, t, opts)
	address := p.URL(devstack.Owner, devstack.Database)
	query(ctx, t, address, "CREATE TABLE kept (n int)")
	stop(ctx, t, p)
	occupy(ctx, t, host(t, address))

	p = startPostgres(ctx, t, opts)
	moved := p.URL(devstack.Owner, devstack.Database)
	if moved == address {
		t.Fatal("it took an occupied port")
	}
	query(ctx, t, moved, "SELECT 1 FROM kept")
	stop(ctx, t, p)
	if again := startPostgres(ctx, t, opts).URL(devstack.Owner, devstack.Database); again != moved {
		t.Errorf("the new port was not kept: %s, then %s", moved, again)
	}
}

func TestPostgresBeginsAnInterruptedInitAgain(t *testing.T) {
	t.Parallel()
	ctx := within(t, 2*time.Minute)
	dir := t.TempDir()
	half := filepath.Join(dir, "postgres.new", "base")
	if err := os.MkdirAll(half, 0o700); err != nil {
		t.Fatal(err)
	}
	p := startPostgres(ctx, t, devstack.Options{Dir: dir, Fast: true})
	query(ctx, t, p.URL(devstack.Owner, devstack.Database), "SELECT 1")
	if _, err := os.Stat(filepath.Join(dir, "postgres.new")); err == nil {
		t.Error("the unfinished data are still there")
	}
}

func TestPostgresSaysWhyItCannotStart(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		file, text string // written into the directory of an instance that ran
		want       string
	}{
		"lost password":   {"postgres.password", "anotherone", "do not take the password"},
		"other version":   {"postgres/PG_VERSION", "9", "was made by Postgres 9, found only: "},
		"broken settings": {"postgres/postgresql.conf", "no_such_setting = 1", "no_such_setting"},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := within(t, 2*time.Minute)
			opts := devstack.Options{Dir: t.TempDir(), Fast: true}
			stop(ctx, t, startPostgres(ctx, t, opts))
			if err := os.WriteFile(filepath.Join(opts.Dir, c.file), []byte(c.text+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			p, err := devstack.StartPostgres(ctx, opts)
			if err == nil {
				stop(ctx, t, p)
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want it to say %q", err, c.want)
			}
			if _, err := devstack.StartPostgres(ctx, opts); errors.Is(err, devstack.ErrInUse) {
				t.Error("a failed start keeps the directory locked")
			}
		})
	}
}

func TestPostgresStopsEvenWhenItsContextIsOver(t *testing.T) {
	t.Parallel()
	ctx := within(t, 2*time.Minute)
	p := startPostgres(ctx, t, devstack.Options{Dir: t.TempDir(), Fast: true})
	over, cancel := context.WithCancel(ctx)
	cancel()
	if err := p.Stop(over); err != nil {
		t.Error(err)
	}
	if _, err := tryQuery(ctx, p.URL(devstack.Owner, devstack.Database), "SELECT 1"); err == nil {
		t.Error("it answers after Stop")
	}
}

func TestPostgresStartEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx := within(t, 2*time.Minute)
	opts := devstack.Options{Dir: t.TempDir(), Fast: true}
	over, cancel := context.WithCancel(ctx)
	cancel()
	if p, err := devstack.StartPostgres(over, opts); err == nil {
		stop(ctx, t, p)
		t.Fatal("it started without time to do so")
	}
	startPostgres(ctx, t, opts) // nothing in the way of the next start
}

func host(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}
