package telemetry

import (
	"context"
	"log/slog"

	"go.opentelemetry.io/otel/trace"
)

// logs adds to each record which trace it belongs to.
type logs struct{ slog.Handler }

// Logs makes log lines and spans find each other: trace_id and span_id stand in every record of a traced call.
func Logs(to slog.Handler) slog.Handler { return logs{to} }

// Handle adds what the context knows.
func (h logs) Handle(ctx context.Context, record slog.Record) error {
	if at := trace.SpanContextFromContext(ctx); at.IsValid() {
		record = record.Clone()
		record.AddAttrs(slog.String("trace_id", at.TraceID().String()), slog.String("span_id", at.SpanID().String()))
	}
	return h.Handler.Handle(ctx, record)
}

// WithAttrs keeps the ids in what is derived.
func (h logs) WithAttrs(attrs []slog.Attr) slog.Handler { return logs{h.Handler.WithAttrs(attrs)} }

// WithGroup keeps the ids in what is derived.
func (h logs) WithGroup(name string) slog.Handler { return logs{h.Handler.WithGroup(name)} }
