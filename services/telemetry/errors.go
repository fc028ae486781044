package telemetry

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/hotswap/hotswap/models"
)

// kindOf is an error without its words, which may hold what nobody should read: our code, the database's SQLSTATE,
// or what the conventions have for the rest.
func kindOf(err error) string {
	var (
		own      *models.Error
		database *pgconn.PgError
	)
	switch {
	case errors.As(err, &own):
		return string(own.Code)
	case errors.As(err, &database):
		return database.Code
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case errors.Is(err, context.Canceled):
		return "canceled"
	default:
		return "_OTHER"
	}
}

// end ends a span, failed or not. It is called by a function that is deferred, never deferred itself: End writes the
// words of a panic down if it can recover it.
func end(span trace.Span, err error) {
	if err != nil {
		span.SetStatus(codes.Error, "")
		span.SetAttributes(semconv.ErrorTypeKey.String(kindOf(err)))
	}
	span.End()
}
