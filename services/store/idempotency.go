package store

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/riverqueue/river"

	"github.com/hotswap/hotswap/models"
)

// A call with an Idempotency-Key is a claim (models.Claim). The transaction that carries the call out takes the claim
// before anything else and writes its row before it commits, so that the row is there exactly when the work is.

// tryClaimSQL never waits: while another call with the key runs, this one is turned away and holds no connection. The
// seed keeps the locks of claims apart from those of layers.
const tryClaimSQL = `SELECT pg_try_advisory_xact_lock(hashtextextended(@claim, 1))`

// findClaimSQL is a statement of its own: its snapshot has to be younger than the lock.
const findClaimSQL = `
	SELECT coalesce(k.digest, ''::bytea), coalesce(k.resource, '') FROM (SELECT) one LEFT JOIN idempotency_keys k
	ON credential = @credential AND method = @method AND path = @path AND key = @key
	  AND created_at > clock_timestamp() - make_interval(hours => @hours)`

// keepClaimSQL writes the row. One that is there already is too old to count.
const keepClaimSQL = `
	INSERT INTO idempotency_keys AS k (credential, method, path, key, digest, resource, created_at)
	VALUES (@credential, @method, @path, @key, @digest, @resource, clock_timestamp())
	ON CONFLICT (credential, method, path, key) DO UPDATE
	SET digest = excluded.digest, resource = excluded.resource, created_at = excluded.created_at
	WHERE k.created_at <= clock_timestamp() - make_interval(hours => @hours)`

// forgetClaimsSQL removes what is too old to count, the oldest first.
const forgetClaimsSQL = `
	DELETE FROM idempotency_keys WHERE (credential, method, path, key) IN (
		SELECT credential, method, path, key FROM idempotency_keys
		WHERE created_at <= clock_timestamp() - make_interval(hours => $1) ORDER BY created_at LIMIT $2)`

const (
	forgetEvery = time.Hour
	forgetBatch = 5000
)

// claiming is what a transaction knows of the call it belongs to.
type claiming struct {
	claim    *models.Claim
	taken    bool
	resource string // what the call made or moved; empty while nothing is written down
}

// claimingOf is nil for calls without a key, and for what follows once the call is carried out.
func claimingOf(ctx context.Context) *claiming {
	claim := models.ClaimFrom(ctx)
	if claim == nil || claim.Spent {
		return nil
	}
	return &claiming{claim: claim}
}

// begun takes the claim of the call that the actor's transaction carries out, if it has one.
func begun(ctx context.Context, actor models.Actor) error {
	state, ok := ctx.Value(txKey{}).(*txState)
	if !ok || actor.Kind == models.ActorSystem {
		return nil
	}
	return state.claiming.take(ctx)
}

// take makes sure that the call is carried out here and now for the first time. models.RepeatedError: it was before;
// invalid: the key belongs to another call; conflict: the same call is running.
func (c *claiming) take(ctx context.Context) error {
	if c == nil || c.taken {
		return nil
	}
	var free bool
	var seen claimed
	lock := strings.Join([]string{c.claim.Credential, c.claim.Method, c.claim.Path, c.claim.Key}, "\n")
	err := Send(ctx,
		Statement{SQL: tryClaimSQL, Args: map[string]any{"claim": lock}, Into: []any{&free}}, seen.statement(c.claim))
	if err != nil {
		return err
	}
	if !free {
		return &models.Error{
			Code: models.CodeConflict, Message: "a call with this Idempotency-Key is still running", RetryAfter: time.Second,
		}
	}
	c.taken = true
	return seen.against(c.claim)
}

// keep writes the row, if the transaction did what the log tells of.
func (c *claiming) keep(ctx context.Context) error {
	if c == nil || c.resource == "" {
		return nil
	}
	args := claimArgs(c.claim)
	args["digest"], args["resource"], args["hours"] = c.claim.Digest, c.resource, models.KeepClaims
	if err := Send(ctx, Statement{SQL: keepClaimSQL, Args: args, Rows: 1}); err != nil {
		return fmt.Errorf("keep the idempotency key: %w", err)
	}
	return nil
}

// spent ends the claim after the commit: what else the call does is not the call again.
func (c *claiming) spent() {
	if c != nil && c.resource != "" {
		c.claim.Spent = true
	}
}

func claimArgs(c *models.Claim) map[string]any {
	return map[string]any{"credential": c.Credential, "method": c.Method, "path": c.Path, "key": c.Key}
}

// claimed is the row of an earlier call; empty when there is none.
type claimed struct {
	digest   []byte
	resource string
}

func (f *claimed) statement(c *models.Claim) Statement {
	args := claimArgs(c)
	args["hours"] = models.KeepClaims
	return Statement{SQL: findClaimSQL, Args: args, Into: []any{&f.digest, &f.resource}}
}

// against compares the row with the call.
func (f *claimed) against(c *models.Claim) error {
	switch {
	case len(f.digest) == 0:
		return nil
	case !bytes.Equal(f.digest, c.Digest):
		return models.Invalid("/Idempotency-Key", "the key was used for a call with another body or query")
	default:
		layer, resource, _ := strings.Cut(f.resource, " ")
		return models.RepeatedError{Layer: layer, Resource: resource}
	}
}

// Repeated looks whether a call was carried out before: nil if not, models.RepeatedError if it was; invalid: the key
// belongs to another call.
func (db *DB) Repeated(ctx context.Context, c *models.Claim) error {
	var seen claimed
	if err := db.Look(ctx, seen.statement(c)); err != nil {
		return err
	}
	return seen.against(c)
}

// Did says what the actor of the context made or moved in this transaction; the first is what a repetition of the call
// is answered with. The audit log calls it with all that it records. What system actors do is no caller's call.
// It fails like the call itself would if it is a repetition.
func Did(ctx context.Context, tenantID, resource string) error {
	state, ok := ctx.Value(txKey{}).(*txState)
	if !ok || state.claiming == nil || state.claiming.resource != "" {
		return nil
	}
	if actor, _ := models.ActorFrom(ctx); actor.Kind == models.ActorSystem {
		return nil
	}
	if err := state.claiming.take(ctx); err != nil {
		return err
	}
	state.claiming.resource = tenantID + " " + resource
	return nil
}

// forget is the job that removes what is too old to count.
type forget struct{}

// Kind names the job.
func (forget) Kind() string { return "idempotency_forget" }

type forgetter struct {
	river.WorkerDefaults[forget]

	db *DB
}

// Work removes batch after batch, each in a transaction of its own.
func (f *forgetter) Work(ctx context.Context, _ *river.Job[forget]) error {
	for {
		tag, err := f.db.pool.Exec(ctx, forgetClaimsSQL, models.KeepClaims, forgetBatch)
		if err != nil {
			return fmt.Errorf("forget idempotency keys: %w", err)
		}
		if tag.RowsAffected() < forgetBatch {
			return nil
		}
	}
}

// forgetting adds the job to those that the workers do, every hour.
func (db *DB) forgetting(workers *river.Workers) (*river.PeriodicJob, error) {
	if err := river.AddWorkerSafely(workers, &forgetter{db: db}); err != nil {
		return nil, fmt.Errorf("idempotency keys: %w", err)
	}
	job := func() (river.JobArgs, *river.InsertOpts) { return forget{}, nil }
	return river.NewPeriodicJob(river.PeriodicInterval(forgetEvery), job, &river.PeriodicJobOpts{RunOnStart: true}), nil
}
