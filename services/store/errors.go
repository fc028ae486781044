package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
)

// translate turns what the database says into what a caller may see. A fault of the database is
// unavailable and worth another try; what is left is internal.
func translate(err error) error {
	var known *models.Error
	var pg *pgconn.PgError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return err
	case errors.As(err, &pg):
		return translatePostgres(pg, err)
	case errors.Is(err, gorm.ErrRecordNotFound), errors.Is(err, pgx.ErrNoRows):
		return models.NotFound("it was")
	case isFault(err):
		return &faultError{models.Unavailable("the database does not answer", time.Second), err}
	default:
		return err
	}
}

// faultError shows the caller a sentence and keeps the cause for the log.
type faultError struct {
	shown *models.Error
	cause error
}

func (f *faultError) Error() string   { return f.shown.Message + ": " + f.cause.Error() }
func (f *faultError) Unwrap() []error { return []error{f.shown, f.cause} }

func translatePostgres(pg *pgconn.PgError, err error) error {
	switch {
	case pg.Code == "23505", pg.Code == "23P01": // unique, exclusion
		return &faultError{models.Conflict("someone else just did the same"), err}
	case pg.Code == "40001", pg.Code == "40P01": // serialization, deadlock
		return &faultError{models.Unavailable("it collided with another write", time.Second), err}
	case pg.Code == "57014", pg.Code == "55P03", pg.Code == "25P03", // timeouts
		pg.Code[:2] == "08", pg.Code[:2] == "53", pg.Code[:2] == "57", pg.Code[:2] == "58", pg.Code == "25006":
		return &faultError{models.Unavailable("the database does not answer", time.Second), err}
	default:
		return fmt.Errorf("postgres %s: %w", pg.Code, err)
	}
}

func isFault(err error) bool {
	var connect *pgconn.ConnectError
	var network net.Error
	// A connection that Postgres closed shows as an early end, or, where nothing was sent yet, as safe to try again.
	return errors.As(err, &connect) || errors.As(err, &network) || pgconn.Timeout(err) || pgconn.SafeToRetry(err) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, driver.ErrBadConn) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || errors.Is(err, net.ErrClosed)
}

// redact keeps a connection string with its password out of logs: pgx repeats it in its errors.
func redact(err error) error {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg
	}
	if connect, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return errors.New("cannot connect: " + errors.Unwrap(connect).Error())
	}
	return errors.New("it is not a valid connection string")
}
