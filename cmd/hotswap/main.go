// Command hotswap is the whole product in one binary: see the README.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/hotswap/hotswap/services/telemetry"
)

// version is set by the build.
var version = "dev"

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2 // wrong flags or configuration: nothing was started
)

// commands are all there is to run.
type commands struct {
	Serve   serveCommand   `cmd:"" help:"Serve the console and the API. Configured by HOTSWAP_* environment variables."`
	Dev     devCommand     `cmd:"" help:"Run everything for development: Postgres, Redis, an identity provider, demo data."`
	Migrate migrateCommand `cmd:"" help:"Bring the database up to date, as its owner."`
	Admin   adminCommand   `cmd:"" help:"Manage platform admins, as the owner of the database."`
	Keys    keysCommand    `cmd:"" help:"Manage API keys, as the owner of the database."`
	Secrets secretsCommand `cmd:"" help:"Manage master and data keys, as the owner of the database."`
	Version versionCommand `cmd:"" help:"Print the version."`
}

// surroundings are what a command may touch of the process.
type surroundings struct {
	context.Context
	out io.Writer
	log *slog.Logger
}

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run(s surroundings) error {
	_, err := fmt.Fprintln(s.out, version)
	return err
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// usageError is a mistake of the operator; it is printed as it is.
type usageError struct{ error }

func run(ctx context.Context, args []string, out, errOut io.Writer) int {
	parser, err := kong.New(&commands{}, kong.Name("hotswap"), kong.Writers(out, errOut),
		kong.Description("Multi-tenant configuration with inheritance, approvals and an audit log."),
		kong.UsageOnError())
	if err != nil {
		return complain(errOut, err)
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		return complain(errOut, usageError{err})
	}
	log := slog.New(telemetry.Logs(slog.NewJSONHandler(errOut, nil)))
	if err := parsed.Run(surroundings{ctx, out, log}); err != nil {
		return complain(errOut, err)
	}
	return exitOK
}

func complain(w io.Writer, err error) int {
	_, _ = fmt.Fprintf(w, "hotswap: %v\n", err) // nowhere is left to complain about that
	if _, ok := errors.AsType[usageError](err); ok {
		return exitUsage
	}
	return exitFailed
}
