package telemetry

import (
	"context"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// database makes spans of statements, with their placeholders and never with what is bound to them.
type database struct{ tracer trace.Tracer }

// Database observes every statement that is part of a traced call or job. What runs by itself every second is none.
func (t *Telemetry) Database() pgx.QueryTracer { return &database{t.tracer} }

// statementKey finds the span of a statement, and not that of the call around it, in a context.
type statementKey struct{}

// TraceQueryStart begins the span of one statement.
func (d *database) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	if !trace.SpanFromContext(ctx).IsRecording() {
		return ctx
	}
	ctx, span := d.start(ctx, operation(q.SQL))
	span.SetAttributes(semconv.DBQueryText(q.SQL))
	return ctx
}

// TraceQueryEnd ends it.
func (d *database) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryEndData) {
	endStatement(ctx, q.Err)
}

// TraceBatchStart begins the span of statements that travel together.
func (d *database) TraceBatchStart(ctx context.Context, _ *pgx.Conn, b pgx.TraceBatchStartData) context.Context {
	if !trace.SpanFromContext(ctx).IsRecording() {
		return ctx
	}
	ctx, span := d.start(ctx, "BATCH")
	texts := make([]string, len(b.Batch.QueuedQueries))
	for i, q := range b.Batch.QueuedQueries {
		texts[i] = q.SQL
	}
	span.SetAttributes(semconv.DBOperationBatchSize(len(texts)), semconv.DBQueryText(strings.Join(texts, "; ")))
	return ctx
}

// TraceBatchQuery has nothing to add: the statements are in the span already.
func (d *database) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

// TraceBatchEnd ends the span.
func (d *database) TraceBatchEnd(ctx context.Context, _ *pgx.Conn, b pgx.TraceBatchEndData) {
	endStatement(ctx, b.Err)
}

func (d *database) start(ctx context.Context, operation string) (context.Context, trace.Span) {
	ctx, span := d.tracer.Start(ctx, operation, trace.WithSpanKind(trace.SpanKindClient))
	span.SetAttributes(semconv.DBSystemNamePostgreSQL, semconv.DBOperationName(operation))
	return context.WithValue(ctx, statementKey{}, span), span
}

func endStatement(ctx context.Context, err error) {
	span, ok := ctx.Value(statementKey{}).(trace.Span)
	if !ok {
		return
	}
	if errors.Is(err, pgx.ErrNoRows) {
		err = nil // an answer as good as any
	}
	if refused, ok := errors.AsType[*pgconn.PgError](err); ok {
		span.SetAttributes(semconv.DBResponseStatusCode(refused.Code))
	}
	end(span, err)
}

// operation is the first word of a statement, if it is one of those that there are: a name of few values.
func operation(sql string) string {
	word := strings.TrimLeft(sql, " \t\r\n(")
	if i := strings.IndexAny(word, " \t\r\n;("); i >= 0 {
		word = word[:i]
	}
	switch word = strings.ToUpper(word); word {
	case "SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "LISTEN", "SET":
		return word
	default:
		return "STATEMENT"
	}
}
