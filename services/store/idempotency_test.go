package store_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/riverqueue/river"
	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/store"
	"github.com/hotswap/hotswap/services/store/storetest"
)

// repeated is what the first call made, as "layer noun/id"; empty for a call that is none.
func repeated(err error) string {
	if again, ok := errors.AsType[models.RepeatedError](err); ok {
		return again.Layer + " " + again.Resource
	}
	return ""
}

// claim is a call of Pat's with that key and digest.
func claim(key, digest string) *models.Claim {
	return &models.Claim{
		Credential: "person:pat hs_1", Method: "POST", Path: "/api/v1/things", Key: key, Digest: []byte(digest),
	}
}

// call is the context of a call with that claim.
func call(ctx context.Context, c *models.Claim) context.Context {
	return models.WithClaim(person(ctx, models.RolePlatformAdmin, models.Platform), c)
}

// things counts what the calls of a test wrote.
func things(t testing.TB, d *storetest.Database) (n int) {
	t.Helper()
	d.Scan(t, `SELECT count(*) FROM environments WHERE name LIKE 'thing%'`, nil, &n)
	return n
}

// makeThing writes what needs no tenant, as a service does: with its entry in the log.
func makeThing(name string) func(context.Context, *gorm.DB) error {
	return func(ctx context.Context, tx *gorm.DB) error {
		err := tx.Exec(`INSERT INTO environments (name, position, created_at) SELECT ?, count(*) + 1, now() FROM environments`, name).Error
		if err != nil {
			return err
		}
		return store.Did(ctx, "acme", "thing/"+name)
	}
}

func TestRepeatedCalls(t *testing.T) {
	t.Parallel()
	d := storetest.New(t)
	seed(t, d)
	doors := map[string]func(context.Context, func(context.Context, *gorm.DB) error) error{
		"tx": d.Tx,
		"write": func(ctx context.Context, fn func(context.Context, *gorm.DB) error) error {
			return d.Write(ctx, acme, fn)
		},
	}
	for door, run := range doors {
		key, thing := "key-"+door, "thing-"+door
		before := things(t, d)
		refused := models.Forbidden("no")
		err := run(call(t.Context(), claim(key, "body")), func(ctx context.Context, tx *gorm.DB) error {
			return errors.Join(makeThing(thing)(ctx, tx), refused)
		})
		if !errors.Is(err, refused) || d.Repeated(call(t.Context(), nil), claim(key, "body")) != nil {
			t.Errorf("%s: a call that failed (%v) is remembered", door, err)
		}
		if err := run(call(t.Context(), claim(key, "body")), makeThing(thing)); err != nil {
			t.Fatalf("%s: the first call: %v", door, err)
		}
		err = run(call(t.Context(), claim(key, "body")), makeThing(thing+"-again"))
		if got := repeated(err); got != "acme thing/"+thing {
			t.Errorf("%s: the call again is %v (%q)", door, err, got)
		}
		if got := repeated(d.Repeated(call(t.Context(), nil), claim(key, "body"))); got != "acme thing/"+thing {
			t.Errorf("%s: a look finds %q", door, got)
		}
		if err := run(call(t.Context(), claim(key, "other")), makeThing(thing+"-other")); code(err) != models.CodeInvalid {
			t.Errorf("%s: another body under the key is %v", door, err)
		}
		if n := things(t, d) - before; n != 1 {
			t.Errorf("%s: %d things were made", door, n)
		}
	}
}

// What makes a call the same call: who calls, how, what and the key.
func TestClaimsOfOthersAreOthers(t *testing.T) {
	t.Parallel()
	d := storetest.New(t)
	seed(t, d)
	if err := d.Tx(call(t.Context(), claim("k", "body")), makeThing("thing")); err != nil {
		t.Fatal(err)
	}
	others := map[string]func(*models.Claim){
		"another key of the person": func(c *models.Claim) { c.Credential = "person:pat hs_2" },
		"somebody else":             func(c *models.Claim) { c.Credential = "person:kim hs_1" },
		"method":                    func(c *models.Claim) { c.Method = "PUT" },
		"path":                      func(c *models.Claim) { c.Path = "/api/v1/others" },
		"key":                       func(c *models.Claim) { c.Key = "K" },
	}
	for name, change := range others {
		c := claim("k", "body")
		change(c)
		if err := d.Repeated(call(t.Context(), nil), c); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := d.Repeated(t.Context(), claim("k", "body")); code(err) != models.CodeUnauthenticated {
		t.Errorf("nobody: %v", err)
	}
}

// While a call runs, the same call is turned away at once; of many at a time one is carried out.
func TestCallsAtOnce(t *testing.T) {
	t.Parallel()
	d := storetest.New(t)
	seed(t, d)
	err := d.Tx(call(t.Context(), claim("slow", "body")), func(ctx context.Context, tx *gorm.DB) error {
		if err := makeThing("thing-slow")(ctx, tx); err != nil {
			return err
		}
		began := time.Now()
		err := d.Write(call(t.Context(), claim("slow", "body")), acme, makeThing("thing-second"))
		known, ok := errors.AsType[*models.Error](err)
		if !ok || known.Code != models.CodeConflict || known.RetryAfter <= 0 || time.Since(began) > 400*time.Millisecond {
			t.Errorf("while it runs: %v after %s", err, time.Since(began))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var done, again, busy atomic.Int64
	var wait sync.WaitGroup
	for range 16 {
		wait.Go(func() {
			err := d.Write(call(t.Context(), claim("race", "body")), acme, makeThing("thing-race"))
			switch {
			case err == nil:
				done.Add(1)
			case repeated(err) == "acme thing/thing-race":
				again.Add(1)
			case code(err) == models.CodeConflict, code(err) == models.CodeUnavailable:
				busy.Add(1)
			default:
				t.Errorf("one of many: %v", err)
			}
		})
	}
	wait.Wait()
	if done.Load() != 1 || things(t, d) != 2 {
		t.Errorf("%d done, %d repeated, %d turned away, %d things", done.Load(), again.Load(), busy.Load(), things(t, d))
	}
}

// A call may need several transactions: looks before it, work of the system in between, and more after it.
func TestOneCallManyTransactions(t *testing.T) {
	t.Parallel()
	d := storetest.New(t)
	seed(t, d)
	ctx := call(t.Context(), claim("k", "body"))
	look := func(context.Context, *gorm.DB) error { return nil }
	system := models.WithActor(ctx, models.System("scan"))
	steps := map[string]error{
		"a look":         d.Tx(ctx, look),
		"a picture":      d.Snapshot(ctx, look),
		"a locked look":  d.Write(ctx, acme, look),
		"the system's":   d.Tx(system, func(ctx context.Context, _ *gorm.DB) error { return store.Did(ctx, "acme", "system/x") }),
		"a deed outside": store.Did(ctx, "acme", "outside/x"),
	}
	for name, err := range steps {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := d.Repeated(ctx, claim("k", "body")); err != nil {
		t.Fatalf("before its work the call counts as carried out: %v", err)
	}
	err := d.Write(ctx, acme, func(ctx context.Context, tx *gorm.DB) error {
		return errors.Join(makeThing("thing-1")(ctx, tx), store.Did(ctx, "acme", "second/x"))
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Write(ctx, acme, makeThing("thing-2")); err != nil {
		t.Errorf("the call's own second transaction: %v", err)
	}
	if got := repeated(d.Repeated(ctx, claim("k", "body"))); got != "acme thing/thing-1" {
		t.Errorf("the call is remembered as %q", got)
	}
}

func TestClaimsEnd(t *testing.T) {
	t.Parallel()
	d := storetest.New(t)
	seed(t, d)
	for _, key := range []string{"old", "young"} {
		if err := d.Tx(call(t.Context(), claim(key, "body")), makeThing("thing-"+key)); err != nil {
			t.Fatal(err)
		}
	}
	age := func(key, interval string) {
		d.Admin(t, `UPDATE idempotency_keys SET created_at = now() - $2::text::interval WHERE key = $1`, key, interval)
	}
	age("old", "24 hours 1 minute")
	age("young", "23 hours 59 minutes")
	if got := repeated(d.Repeated(call(t.Context(), nil), claim("young", "body"))); got == "" {
		t.Error("a key is forgotten within 24 hours")
	}
	if err := d.Write(call(t.Context(), claim("old", "other")), acme, makeThing("thing-new")); err != nil {
		t.Errorf("a key that was forgotten: %v", err)
	}
	if got := repeated(d.Repeated(call(t.Context(), nil), claim("old", "other"))); got != "acme thing/thing-new" {
		t.Errorf("the key stands for %q now", got)
	}
	age("old", "25 hours")
	stop, err := d.Work(t.Context(), river.NewWorkers())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := stop(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("stop: %v", err)
		}
	}()
	for limit := time.Now().Add(20 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		var keys string
		d.Scan(t, `SELECT coalesce(string_agg(key, ','), '') FROM idempotency_keys`, nil, &keys)
		if keys == "young" {
			return
		}
		if time.Now().After(limit) {
			t.Fatalf("the job leaves %s", keys)
		}
	}
}
