package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/hotswap/hotswap/models"
)

// role makes sure that the database takes us for the application and nothing more. Until that is certain no connection
// is handed out.
type role struct {
	log  *slog.Logger
	fits atomic.Bool
}

// errPrivileged says that the role could get around row-level security.
var errPrivileged = errors.New("over-privileged: it must not be superuser, owner or bypass row-level security")

// check looks at a connection that was just made.
func (r *role) check(ctx context.Context, conn *pgx.Conn) error {
	if r.fits.Load() {
		return nil
	}
	err := checkRole(ctx, conn)
	switch {
	case err == nil:
		r.fits.Store(true)
	case errors.Is(err, errPrivileged):
		r.log.ErrorContext(ctx, "the database is not used", slog.Any("error", err))
		return &faultError{models.Unavailable("the role of this node in the database is over-privileged", time.Minute), err}
	}
	return err
}

// checkRole refuses a database role that could get around row-level security.
func checkRole(ctx context.Context, conn *pgx.Conn) error {
	var name string
	var super, bypass, owns bool
	err := conn.QueryRow(ctx, `
		SELECT rolname, rolsuper, rolbypassrls,
		       EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		               WHERE n.nspname = 'public' AND pg_has_role(current_user, c.relowner, 'MEMBER'))
		FROM pg_roles WHERE rolname = current_user`).Scan(&name, &super, &bypass, &owns)
	if err == nil && (super || bypass || owns) {
		return fmt.Errorf("the database role %q is %w", name, errPrivileged)
	}
	return err
}

// reach makes the first connection. Where the database need not be there yet, that it does not answer is no error; that
// it refuses us is.
func reach(ctx context.Context, pool *pgxpool.Pool, lazy bool) error {
	if lazy {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, firstContact)
		defer cancel()
	}
	err := pool.Ping(ctx)
	var known *models.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errPrivileged):
		return privileged(err)
	case lazy && errors.As(translate(err), &known) && known.Code == models.CodeUnavailable:
		return nil
	default:
		return fmt.Errorf("reach the database: %w", redact(err))
	}
}

// privileged is the cause alone: whoever starts a node reads it.
func privileged(err error) error {
	if fault, ok := errors.AsType[*faultError](err); ok {
		return fault.cause
	}
	return err
}
