// Package storetest gives each test a database of its own: a copy of one migrated template in a real
// Postgres that lives as long as the test binary, opened as the application so that the row-level
// policies apply.
package storetest

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/hotswap/hotswap/cmd/hotswap/devstack"
	"github.com/hotswap/hotswap/services/store"
)

const (
	template     = devstack.Database
	startTimeout = 90 * time.Second
)

var cluster struct {
	once     sync.Once
	dir      string
	postgres *devstack.Postgres
	err      error
	next     atomic.Int64
	create   sync.Mutex // Postgres copies a template for one session at a time
}

// Main runs the tests of a package and ends the Postgres they used. Call it from TestMain.
func Main(m *testing.M) { os.Exit(Run(m)) }

// Run is Main for packages that have more to clear away; it returns the exit code.
func Run(m *testing.M) int {
	code := m.Run()
	if cluster.postgres != nil {
		ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
		_ = cluster.postgres.Stop(ctx) // the directory goes next, and the exit code is the tests'
		cancel()
	}
	if cluster.dir != "" {
		_ = os.RemoveAll(cluster.dir)
	}
	return code
}

// Database is one test's own database.
type Database struct {
	*store.DB
	Recorder *Recorder
	Name     string
	URL      string // as the application
	OwnerURL string // as the owner, under row-level security too
	AdminURL string // as superuser, past row-level security: for looking at what is really there

	mu    sync.Mutex
	admin *pgx.Conn // opened by the first use of Admin or Scan, used by one at a time
}

// New makes a database from the template and drops it when the test ends.
func New(t testing.TB) *Database {
	t.Helper()
	start(t)
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	name := fmt.Sprintf("test_%d", cluster.next.Add(1))
	create(ctx, t, name)
	d := &Database{
		Name: name, Recorder: &Recorder{},
		URL:      cluster.postgres.URL(devstack.App, name),
		OwnerURL: cluster.postgres.URL(devstack.Owner, name),
		AdminURL: cluster.postgres.URL(devstack.Superuser, name),
	}
	var err error
	d.DB, err = store.Open(ctx, store.Options{
		URL: d.URL, MaxConns: 8, Tracer: d.Recorder,
		Log: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	if err != nil {
		t.Fatalf("open test database: %v", err)
	}
	t.Cleanup(func() { drop(t, d) })
	return d
}

// Admin runs one statement as superuser.
func (d *Database) Admin(t testing.TB, sql string, args ...any) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := d.superuser(t).Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// Scan reads one row as superuser into the destinations.
func (d *Database) Scan(t testing.TB, sql string, args []any, into ...any) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.superuser(t).QueryRow(t.Context(), sql, args...).Scan(into...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// superuser is the connection of Admin and Scan. A subtest's context may end before the connection does, so
// it is made anew when that broke it.
func (d *Database) superuser(t testing.TB) *pgx.Conn {
	t.Helper()
	if d.admin == nil || d.admin.IsClosed() {
		conn, err := pgx.Connect(t.Context(), d.AdminURL)
		if err != nil {
			t.Fatalf("connect: %v", err)
		}
		d.admin = conn
	}
	return d.admin
}

// Connect opens a plain connection that the test closes by ending.
func (d *Database) Connect(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	return d.connect(t, url)
}

func (d *Database) connect(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func start(t testing.TB) {
	t.Helper()
	cluster.once.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
		defer cancel()
		if cluster.dir, cluster.err = os.MkdirTemp("", "hotswap-test-"); cluster.err != nil {
			return
		}
		cluster.postgres, cluster.err = devstack.StartPostgres(ctx, devstack.Options{
			Dir: cluster.dir, Fast: true, Log: slog.New(slog.DiscardHandler),
		})
		if cluster.err != nil {
			return
		}
		cluster.err = store.Migrate(ctx, cluster.postgres.URL(devstack.Owner, template))
	})
	if cluster.err != nil {
		t.Fatalf("start Postgres: %v", cluster.err)
	}
}

func create(ctx context.Context, t testing.TB, name string) {
	t.Helper()
	cluster.create.Lock()
	defer cluster.create.Unlock()
	admin(ctx, t, "CREATE DATABASE "+name+" TEMPLATE "+template+" OWNER hotswap_owner")
}

func drop(t testing.TB, d *Database) {
	t.Helper()
	d.Close()
	if d.admin != nil {
		_ = d.admin.Close(context.Background()) // the database goes next
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	admin(ctx, t, "DROP DATABASE IF EXISTS "+d.Name+" WITH (FORCE)")
}

func admin(ctx context.Context, t testing.TB, sql string) {
	t.Helper()
	conn, err := pgx.Connect(ctx, cluster.postgres.URL(devstack.Superuser, devstack.Superuser))
	if err != nil {
		t.Fatalf("connect as superuser: %v", err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}
