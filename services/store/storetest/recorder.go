package storetest

import (
	"context"
	"sync"

	"github.com/jackc/pgx/v5"
)

// Recorder keeps every statement that a test sends, so that its plan can be looked at.
type Recorder struct {
	mu         sync.Mutex
	statements []Statement
}

// Statement is one statement as it was sent.
type Statement struct {
	SQL  string
	Args []any
}

// TraceQueryStart notes the statement.
func (r *Recorder) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.statements = append(r.statements, Statement{SQL: q.SQL, Args: q.Args})
	return ctx
}

// TraceQueryEnd has nothing to add.
func (r *Recorder) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// TraceBatchStart has nothing to add.
func (r *Recorder) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return ctx
}

// TraceBatchQuery notes one statement of several that travel together.
func (r *Recorder) TraceBatchQuery(_ context.Context, _ *pgx.Conn, q pgx.TraceBatchQueryData) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.statements = append(r.statements, Statement{SQL: q.SQL, Args: q.Args})
}

// TraceBatchEnd has nothing to add.
func (r *Recorder) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}

// Statements returns what was sent so far.
func (r *Recorder) Statements() []Statement {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Statement(nil), r.statements...)
}
