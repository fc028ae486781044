// Package store is the only door to Postgres: transactions with their scope and locks, error
// translation, migrations and jobs.
package store

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/riverqueue/river/rivertype"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/hotswap/hotswap/models"
)

// Options say how to reach the database and whom to tell.
type Options struct {
	URL      string                 // postgres://…, as hotswap_app
	MaxConns int                    // transactions at a time; 0 means four for each core, at least 8
	Log      *slog.Logger           // required
	Moved    func([]models.Head)    // told after each commit which heads moved; may be set later with OnMoved
	Tracer   pgx.QueryTracer        // sees every statement, for tests and telemetry
	Jobs     []rivertype.Middleware // around every job, for telemetry
	Owner    bool                   // the operator at the console, as hotswap_owner: sees all tenants
}

// DB is an open database. Its pool is private: Tx, Snapshot and Write are the only ways in.
type DB struct {
	gorm   *gorm.DB
	pool   *pgxpool.Pool
	slots  chan struct{} // one per connection: waiting for one is bounded and never holds anything
	turns  turns
	named  named
	moved  func([]models.Head)
	around []rivertype.Middleware // every job
	waits  waits
	log    *slog.Logger
	owner  bool
}

const (
	statementTimeout = "2000" // ms
	lockTimeout      = "500"  // ms
	idleTxTimeout    = "5000" // ms
	acquireTimeout   = 500 * time.Millisecond
	minConns         = 8
	connsPerCore     = 4 // more at work than that only take turns on the database's cores
	jobConns         = 6 // for River, which does not wait for our slots
)

// Open connects and makes sure that the role is the application's: no owner, no bypass, no superuser.
func Open(ctx context.Context, o Options) (*DB, error) {
	if o.MaxConns == 0 {
		o.MaxConns = max(minConns, connsPerCore*runtime.GOMAXPROCS(0))
	}
	cfg, err := pgxpool.ParseConfig(o.URL)
	if err != nil {
		return nil, fmt.Errorf("database url: %w", redact(err))
	}
	cfg.MaxConns = int32(o.MaxConns + jobConns) //nolint:gosec // a pool size from our own configuration
	cfg.ConnConfig.Tracer = o.Tracer
	params := cfg.ConnConfig.RuntimeParams
	params["statement_timeout"] = statementTimeout
	params["lock_timeout"] = lockTimeout
	params["idle_in_transaction_session_timeout"] = idleTxTimeout
	params["application_name"] = "hotswap"
	params["timezone"] = "UTC"
	// Every statement finds its rows by an index whatever its values are: plan each once, never compile it,
	// and know that pages of an index are at hand.
	params["plan_cache_mode"] = "force_generic_plan"
	params["jit"] = "off"
	params["random_page_cost"] = "1.1"
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("database pool: %w", redact(err))
	}
	db, err := open(ctx, pool, o)
	if err != nil {
		pool.Close()
		return nil, err
	}
	return db, nil
}

// withoutValues keeps bound values out of what GORM logs of statements that fail or are slow: ParameterizedQueries does
// so for all but Scan, which records the statement by a logger of its own that is the same for the whole process.
var withoutValues = sync.OnceFunc(func() {
	logger.RecorderParamsFilter = func(_ context.Context, sql string, _ ...any) (string, []any) { return sql, nil }
})

func open(ctx context.Context, pool *pgxpool.Pool, o Options) (*DB, error) {
	withoutValues()
	if !o.Owner {
		if err := checkRole(ctx, pool); err != nil {
			return nil, err
		}
	}
	g, err := gorm.Open(postgres.New(postgres.Config{Conn: stdlib.OpenDBFromPool(pool)}), &gorm.Config{
		SkipDefaultTransaction: true,
		Logger: logger.NewSlogLogger(o.Log, logger.Config{
			LogLevel: logger.Warn, SlowThreshold: time.Second,
			ParameterizedQueries: true, IgnoreRecordNotFoundError: true,
		}),
	})
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	return &DB{
		gorm: g, pool: pool, slots: make(chan struct{}, o.MaxConns), moved: o.Moved, around: o.Jobs, log: o.Log, owner: o.Owner,
	}, nil
}

// OnMoved sets who is told of moved heads. Call it before the first transaction.
func (db *DB) OnMoved(tell func([]models.Head)) { db.moved = tell }

// Close ends all connections.
func (db *DB) Close() { db.pool.Close() }

// Ping tells whether the database answers.
func (db *DB) Ping(ctx context.Context) error { return translate(db.pool.Ping(ctx)) }

// checkRole refuses a database role that could get around row-level security.
func checkRole(ctx context.Context, pool *pgxpool.Pool) error {
	var name string
	var super, bypass, owns bool
	err := pool.QueryRow(ctx, `
		SELECT rolname, rolsuper, rolbypassrls,
		       EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		               WHERE n.nspname = 'public' AND pg_has_role(current_user, c.relowner, 'MEMBER'))
		FROM pg_roles WHERE rolname = current_user`).Scan(&name, &super, &bypass, &owns)
	switch {
	case err != nil:
		return fmt.Errorf("reach the database: %w", redact(err))
	case super || bypass || owns:
		return fmt.Errorf("the database role %q is over-privileged: it must not be superuser, owner or bypass row-level security", name)
	default:
		return nil
	}
}
