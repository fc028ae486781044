package store

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
)

type txKey struct{}

// txState is what a transaction keeps for its end.
type txState struct {
	conn     *sql.Conn // the connection, for Send
	named    *named
	moved    []models.Head
	claiming *claiming // of a call with an Idempotency-Key
}

var errNested = errors.New("store: transactions do not nest")

// Tx runs fn in one transaction that sees all that the actor of the context sees.
// Without an actor it fails with unauthenticated.
func (db *DB) Tx(ctx context.Context, fn func(context.Context, *gorm.DB) error) error {
	return db.transact(ctx, nil, fn)
}

// Snapshot is Tx on one unmoving, read-only picture of the database.
func (db *DB) Snapshot(ctx context.Context, fn func(context.Context, *gorm.DB) error) error {
	return db.transact(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}, fn)
}

// Write runs fn in one transaction that may write the last layer of the chain and read those above it.
// It takes the layer's fair turn first, then the locks of the chain, topmost first, before any read.
// First statements travel with the locks and read what they protect. A layer outside the actor's scope is
// not_found; a turn that takes over 500 ms is unavailable. A call that was carried out before ends with
// models.RepeatedError.
func (db *DB) Write(ctx context.Context, chain []string, fn func(context.Context, *gorm.DB) error, first ...Statement) error {
	actor, ok := models.ActorFrom(ctx)
	if !ok {
		return models.Unauthenticated()
	}
	own := chain[len(chain)-1]
	reach := own
	if models.IsLayer(own) {
		reach = models.Platform // who writes for many needs a right over all
	}
	if actor.Kind != models.ActorSystem && !actor.Sees(reach) {
		return models.NotFound("tenant")
	}
	done, err := db.turns.take(ctx, own)
	if err != nil {
		return err
	}
	defer done()
	return db.begin(ctx, nil, func(ctx context.Context, tx *gorm.DB) error {
		if err := begun(ctx, actor); err != nil {
			return err
		}
		if err := Send(ctx, append([]Statement{enter(narrow(actor, chain), chain)}, first...)...); err != nil {
			return err
		}
		return fn(ctx, tx)
	})
}

func (db *DB) transact(ctx context.Context, o *sql.TxOptions, fn func(context.Context, *gorm.DB) error) error {
	actor, ok := models.ActorFrom(ctx)
	if !ok {
		return models.Unauthenticated()
	}
	return db.begin(ctx, o, func(ctx context.Context, tx *gorm.DB) error {
		if err := Send(ctx, enter(db.whole(actor), nil)); err != nil {
			return err
		}
		return fn(ctx, tx)
	})
}

func (db *DB) begin(ctx context.Context, o *sql.TxOptions, fn func(context.Context, *gorm.DB) error) error {
	if ctx.Value(txKey{}) != nil {
		return errNested
	}
	state := &txState{named: &db.named, claiming: claimingOf(ctx)}
	err := db.connected(ctx, func() error {
		return db.gorm.WithContext(ctx).Connection(func(g *gorm.DB) error {
			state.conn, _ = g.Statement.ConnPool.(*sql.Conn) // what Connection is for
			return g.Transaction(func(tx *gorm.DB) error {
				ctx := context.WithValue(ctx, txKey{}, state)
				if err := fn(ctx, tx); err != nil {
					return err
				}
				return state.claiming.keep(ctx)
			}, o)
		})
	})
	if err != nil {
		return err
	}
	state.claiming.spent()
	if len(state.moved) > 0 && db.moved != nil {
		db.moved(state.moved)
	}
	return nil
}

// connected runs fn while a connection is free for it, and translates its error.
func (db *DB) connected(ctx context.Context, fn func() error) error {
	release, err := db.slot(ctx)
	if err != nil {
		return err
	}
	defer release()
	return translate(fn())
}

// slot waits for a free connection, bounded: over the limit the caller is shed.
func (db *DB) slot(ctx context.Context) (func(), error) {
	select {
	case db.slots <- struct{}{}:
		return func() { <-db.slots }, nil
	default:
	}
	db.waits.now.Add(1)
	defer db.waits.now.Add(-1)
	timer := time.NewTimer(acquireTimeout)
	defer timer.Stop()
	select {
	case db.slots <- struct{}{}:
		return func() { <-db.slots }, nil
	case <-timer.C:
		db.waits.refused.Add(1)
		return nil, busy()
	case <-ctx.Done():
		return nil, translate(ctx.Err())
	}
}

func busy() error { return models.Unavailable("too much is going on at once", time.Second) }

// Moved notes heads that this transaction moved; they are handed on after the commit.
func Moved(ctx context.Context, heads ...models.Head) {
	if s, ok := ctx.Value(txKey{}).(*txState); ok {
		s.moved = append(s.moved, heads...)
	}
}

// Narrow confines the rest of the transaction to the last layer of the chain and those above it.
// A look-up by id alone runs in the actor's whole scope and then narrows to the tenant it found.
func Narrow(ctx context.Context, chain []string) error {
	actor, ok := models.ActorFrom(ctx)
	if !ok {
		return models.Unauthenticated()
	}
	return Send(ctx, enter(narrow(actor, chain), nil))
}

// Above lets the rest of the transaction also read these layers: those above tenants that it sees, and no others.
func Above(layers []string) Statement {
	return Statement{
		SQL:  `SELECT set_config('app.layers', @layers, true)`,
		Args: map[string]any{"layers": strings.Join(layers, ",")}, Rows: 1,
	}
}

// scope is what a transaction may see: tenants it works on, layers readable above, the system actor.
type scope struct{ tenants, layers, system string }

func (db *DB) whole(a models.Actor) scope {
	if db.owner {
		return scope{tenants: models.ScopeAll}
	}
	if a.Kind == models.ActorSystem {
		return scope{system: a.ID}
	}
	return scope{tenants: strings.Join(a.Scope(), ",")}
}

// narrow confines to one layer. A layer with heirs is checked against what they hold, so who writes one
// keeps the whole scope, which has to be all tenants.
func narrow(a models.Actor, chain []string) scope {
	own := chain[len(chain)-1]
	s := scope{tenants: own, layers: strings.Join(chain[:len(chain)-1], ",")}
	if models.IsLayer(own) && a.Sees(models.Platform) {
		s.tenants = models.ScopeAll
	}
	return s
}

const scopeSQL = `SELECT set_config('app.tenants', @tenants, true), set_config('app.layers', @layers, true), set_config('app.system', @system, true)`

// enter sets the scope and takes the locks in one statement, before the first read: layers above shared,
// the own one exclusive, topmost first.
func enter(s scope, chain []string) Statement {
	args := map[string]any{"tenants": s.tenants, "layers": s.layers, "system": s.system}
	var sql strings.Builder
	sql.WriteString(scopeSQL)
	for i, layer := range chain {
		kind := "_shared"
		if i == len(chain)-1 {
			kind = ""
		}
		name := "layer" + strconv.Itoa(i)
		sql.WriteString(", pg_advisory_xact_lock" + kind + "(hashtextextended(@" + name + ", 0))")
		args[name] = layer
	}
	return Statement{SQL: sql.String(), Args: args, Rows: 1}
}

// Instant is the moment of this transaction: the database's clock, read after its locks.
func Instant(tx *gorm.DB) (time.Time, error) {
	var at time.Time
	err := tx.Raw(`SELECT clock_timestamp()`).Scan(&at).Error
	return at.UTC(), err
}

// ControlMoved moves the head of control data of the platform: models.HeadKeys or models.HeadRoles.
func ControlMoved(ctx context.Context, tx *gorm.DB, kind string) error {
	head := models.Head{TenantID: models.Platform, Environment: kind}
	err := tx.Raw(`SELECT revision, token FROM control_moved(?)`, kind).Row().Scan(&head.Revision, &head.Token)
	if err == nil {
		Moved(ctx, head)
	}
	return err
}

// MoveHead moves one head of a layer that this transaction writes. Call it last.
func MoveHead(ctx context.Context, tx *gorm.DB, tenantID, environment string) error {
	head := models.Head{TenantID: tenantID, Environment: environment}
	err := tx.Raw(`
		INSERT INTO heads AS h (tenant_id, environment) VALUES (?, ?)
		ON CONFLICT (tenant_id, environment) DO UPDATE
		SET revision = h.revision + 1, token = gen_random_uuid(), xid = pg_current_xact_id(), moved_at = clock_timestamp()
		RETURNING revision, token`, tenantID, environment).Row().Scan(&head.Revision, &head.Token)
	if err == nil {
		Moved(ctx, head)
	}
	return err
}
