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
	Lazy     bool                   // open even if the database cannot be reached; its first contact is checked as if it were now
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
	role   *role
}

const (
	statementTimeout = "2000" // ms
	lockTimeout      = "500"  // ms
	idleTxTimeout    = "5000" // ms
	acquireTimeout   = 500 * time.Millisecond
	minConns         = 8
	connsPerCore     = 4           // more at work than that only take turns on the database's cores
	jobConns         = 6           // for River, which does not wait for our slots
	firstContact     = time.Second // how long a lazy Open waits for the database
)

// Open connects and makes sure that the role is the application's: no owner, no bypass, no superuser. No connection is
// used before that is certain.
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
	mine := &role{log: o.Log}
	mine.fits.Store(o.Owner)
	cfg.AfterConnect = mine.check
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
	db.role = mine
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
		if err := reach(ctx, pool, o.Lazy); err != nil {
			return nil, err
		}
	}
	g, err := gorm.Open(postgres.New(postgres.Config{Conn: stdlib.OpenDBFromPool(pool)}), &gorm.Config{
		SkipDefaultTransaction: true, DisableAutomaticPing: true, // the first connection was made above
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

// Reached tells whether the database was reached ever, with a role that fits.
func (db *DB) Reached() bool { return db.role.fits.Load() }

// Ping tells whether the database answers.
func (db *DB) Ping(ctx context.Context) error { return translate(db.pool.Ping(ctx)) }
