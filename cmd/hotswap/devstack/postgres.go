package devstack

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// The roles that every Postgres of this package has, all with the same random password.
const (
	Superuser = "postgres"      // may do anything
	Owner     = "hotswap_owner" // owns Database: migrations
	App       = "hotswap_app"   // may connect; its rights come from the migrations
)

// Database is made at the first start and belongs to Owner.
const Database = "hotswap"

// wrongPassword is invalid_password of Postgres' error codes.
const wrongPassword = "28P01"

// Postgres is a running server of our own.
type Postgres struct {
	*place
	programs programs
	user     *account
	password string
	port     int
	child    *child
}

// StartPostgres starts a Postgres on Dir/postgres, initialised on first use, with its roles and database. It
// first ends what an earlier, killed process left running there. ctx bounds the start only. The error is
// ErrInUse when another process works in Dir.
func StartPostgres(ctx context.Context, opts Options) (*Postgres, error) {
	place, err := enter(opts, "postgres")
	if err != nil {
		return nil, err
	}
	p := &Postgres{place: place}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	if err := p.start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("start Postgres: %w", err), p.Stop(ctx))
	}
	go p.child.watch(context.WithoutCancel(ctx), "postgres", p.log)
	return p, nil
}

func (p *Postgres) start(ctx context.Context) (err error) {
	if err := p.orphan().end(ctx, p.log, shutdown()...); err != nil {
		return err
	}
	if p.user, err = accountFor(p.data()); err != nil {
		return err
	}
	if p.programs, err = findPrograms(ctx, p.data()); err != nil {
		return err
	}
	if p.password, err = p.kept("password", func() (string, error) { return rand.Text(), nil }); err != nil {
		return err
	}
	if err := p.initialise(ctx); err != nil {
		return err
	}
	if err := p.serve(ctx); err != nil {
		return err
	}
	return p.furnish(ctx)
}

// serve tries a few times: somebody may take the port between our look and Postgres' own, and backends of a
// killed postmaster need a moment to notice.
func (p *Postgres) serve(ctx context.Context) (err error) {
	for range 3 {
		if err = p.serveOnce(ctx); err == nil || ctx.Err() != nil {
			return err
		}
		time.Sleep(300 * time.Millisecond)
	}
	return err
}

func (p *Postgres) serveOnce(ctx context.Context) (err error) {
	if p.port, err = p.freePort(ctx); err != nil {
		return err
	}
	p.child, err = launch(ctx, program{
		path: p.programs.postgres, args: p.arguments(), user: p.user, log: p.file("log"), death: syscall.SIGINT,
	})
	if err != nil {
		return err
	}
	err = poll(ctx, 20*time.Millisecond, func() (bool, error) {
		if p.child.ended() {
			return false, p.child.failure("postgres")
		}
		return p.answers(ctx)
	})
	if err != nil && !p.child.ended() {
		err = errors.Join(err, p.child.stop(ctx, shutdown()...))
	}
	return err
}

// answers logs in with our password, so a server of somebody else on that port is not taken for ours.
func (p *Postgres) answers(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, p.URL(Superuser, "postgres"))
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.Code == wrongPassword {
		return false, fmt.Errorf("the data in %s do not take the password in %s", p.data(), p.file("password"))
	}
	if err != nil {
		return false, nil // not yet
	}
	return true, conn.Close(ctx)
}

func (p *Postgres) arguments() []string {
	args := []string{"-D", p.data()}
	for _, setting := range p.settings() {
		args = append(args, "-c", setting)
	}
	return args
}

func (p *Postgres) settings() []string {
	settings := []string{
		"listen_addresses=127.0.0.1",
		"port=" + strconv.Itoa(p.port),
		"unix_socket_directories=", // a path below Dir may exceed the 107 bytes a socket's name can have
		"max_connections=200",
		"shared_buffers=128MB",
		"logging_collector=off",
		"log_destination=stderr",
		"timezone=UTC",
		"log_timezone=UTC",
	}
	if p.fast {
		settings = append(settings, "fsync=off", "synchronous_commit=off", "full_page_writes=off")
	}
	return settings
}

// URL is how the role (Superuser, Owner or App) reaches the database, in the form that pgx and psql read.
func (p *Postgres) URL(role, database string) string {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(role, p.password),
		Host:     net.JoinHostPort("127.0.0.1", strconv.Itoa(p.port)),
		Path:     "/" + database,
		RawQuery: "sslmode=disable",
	}
	return u.String()
}

// Stop ends the server and frees the directory. Open connections are cut, what was committed is kept. When ctx
// ends before the server does, the server is ended by firmer means. A second call does nothing.
func (p *Postgres) Stop(ctx context.Context) error {
	var err error
	if p.child != nil && !p.child.ended() {
		err = p.child.stop(ctx, append(shutdown(), step{syscall.SIGKILL, 5 * time.Second})...)
	}
	if errLeave := p.leave(); !errors.Is(errLeave, os.ErrClosed) {
		err = errors.Join(err, errLeave)
	}
	return err
}

// shutdown is Postgres' fast shutdown, then its immediate one, which recovers at the next start.
func shutdown() []step {
	return []step{{syscall.SIGINT, 15 * time.Second}, {syscall.SIGQUIT, 5 * time.Second}}
}

func (p *Postgres) orphan() orphan {
	return orphan{
		pidFile: filepath.Join(p.data(), "postmaster.pid"), program: "postgres", flag: "-D", data: p.data(),
	}
}
