package devstack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"
)

// oldest is the first Postgres that has all we use.
const oldest = 15

var versionPattern = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

// programs are the two executables of one Postgres.
type programs struct {
	postgres, initdb string
	version          int
}

// findPrograms prefers PATH, then the newest that Debian's packages installed. Data that is there already needs
// the version that made it.
func findPrograms(ctx context.Context, data string) (programs, error) {
	made := dataVersion(data)
	var seen []string
	for _, dir := range programDirs() {
		found, ok := programsIn(ctx, dir)
		if !ok {
			continue
		}
		if found.version >= oldest && (made == 0 || made == found.version) {
			return found, nil
		}
		seen = append(seen, strconv.Itoa(found.version))
	}
	switch {
	case made != 0:
		return programs{}, fmt.Errorf("%s was made by Postgres %d, found only: %s", data, made, strings.Join(seen, ", "))
	case len(seen) > 0:
		return programs{}, fmt.Errorf("need Postgres %d or newer, found only: %s", oldest, strings.Join(seen, ", "))
	default:
		return programs{}, errors.New("postgres and initdb are not installed: run make bootstrap")
	}
}

func programDirs() []string {
	var dirs []string
	if path, err := exec.LookPath("postgres"); err == nil {
		dirs = append(dirs, filepath.Dir(path))
		if real, err := filepath.EvalSymlinks(path); err == nil {
			dirs = append(dirs, filepath.Dir(real)) // initdb may lie beside the real one only
		}
	}
	packaged, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return dirs
	}
	slices.SortFunc(packaged, func(a, b string) int { return packagedVersion(b) - packagedVersion(a) })
	return append(dirs, packaged...)
}

// packagedVersion is 15 for /usr/lib/postgresql/15/bin, 0 for a directory that is no version.
func packagedVersion(dir string) int {
	version, err := strconv.Atoi(filepath.Base(filepath.Dir(dir)))
	if err != nil {
		return 0
	}
	return version
}

func programsIn(ctx context.Context, dir string) (programs, bool) {
	found := programs{postgres: filepath.Join(dir, "postgres"), initdb: filepath.Join(dir, "initdb")}
	if _, err := os.Stat(found.initdb); err != nil {
		return programs{}, false
	}
	text, err := exec.CommandContext(ctx, found.postgres, "--version").Output() //nolint:gosec // a program we looked up
	match := versionPattern.FindSubmatch(text)
	if err != nil || match == nil {
		return programs{}, false
	}
	found.version, err = strconv.Atoi(string(match[1]))
	return found, err == nil
}

// dataVersion is 0 when there are no data yet.
func dataVersion(data string) int {
	text, err := os.ReadFile(filepath.Join(data, "PG_VERSION"))
	if err != nil {
		return 0
	}
	version, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return 0
	}
	return version
}

// initialise makes the data directory beside its place and moves it there when it is whole, so that a start that
// was interrupted is begun again.
func (p *Postgres) initialise(ctx context.Context) error {
	if dataVersion(p.data()) != 0 {
		return nil
	}
	fresh := p.file("new")
	if err := os.RemoveAll(fresh); err != nil {
		return fmt.Errorf("clear an unfinished start: %w", err)
	}
	if err := makePrivate(fresh, p.user); err != nil {
		return err
	}
	if err := p.runInitdb(ctx, fresh); err != nil {
		return err
	}
	if err := os.Rename(fresh, p.data()); err != nil {
		return fmt.Errorf("put the new data in place: %w", err)
	}
	return nil
}

func (p *Postgres) runInitdb(ctx context.Context, data string) error {
	args := []string{
		"-D", data, "-U", Superuser, "--auth=scram-sha-256", "--pwfile=" + p.file("password"),
		"--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions",
	}
	if p.fast {
		args = append(args, "--no-sync")
	}
	run, err := launch(ctx, program{
		path: p.programs.initdb, args: args, user: p.user, log: p.file("log"), death: syscall.SIGKILL,
	})
	if err != nil {
		return err
	}
	select {
	case <-run.done:
	case <-ctx.Done():
		return errors.Join(ctx.Err(), run.stop(ctx, step{syscall.SIGKILL, startLimit}))
	}
	if run.err != nil {
		return run.failure("initdb")
	}
	return nil
}

// furnish makes the roles and the database that are missing.
func (p *Postgres) furnish(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, p.URL(Superuser, "postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(ctx) // what it did is done
	for _, role := range []string{Owner, App} {
		if err := p.makeRole(ctx, conn, role); err != nil {
			return fmt.Errorf("make the role %s: %w", role, err)
		}
	}
	if err := makeDatabase(ctx, conn); err != nil {
		return fmt.Errorf("make the database %s: %w", Database, err)
	}
	return nil
}

// makeRole relies on the password having letters and digits only: CREATE ROLE takes no parameters.
func (p *Postgres) makeRole(ctx context.Context, conn *pgx.Conn, role string) error {
	there, err := exists(ctx, conn, "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", role)
	if there || err != nil {
		return err
	}
	_, err = conn.Exec(ctx, "CREATE ROLE "+role+
		" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD '"+p.password+"'")
	return err
}

// makeDatabase repeats the grants at each start, for a start may have been interrupted before them.
func makeDatabase(ctx context.Context, conn *pgx.Conn) error {
	there, err := exists(ctx, conn, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", Database)
	if err != nil {
		return err
	}
	var statements []string
	if !there {
		statements = append(statements, "CREATE DATABASE "+Database+" OWNER "+Owner+" TEMPLATE template0 ENCODING 'UTF8'")
	}
	statements = append(statements,
		"REVOKE ALL ON DATABASE "+Database+" FROM PUBLIC",
		"GRANT CONNECT ON DATABASE "+Database+" TO "+App,
	)
	for _, statement := range statements {
		if _, err := conn.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

func exists(ctx context.Context, conn *pgx.Conn, query, name string) (there bool, err error) {
	err = conn.QueryRow(ctx, query, name).Scan(&there)
	return there, err
}
