package secrets_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/secrets"
	"github.com/hotswap/hotswap/services/store"
)

// longAgo moves a tenant's last rotation out of the time for which its keys are kept.
func (h *house) longAgo(t testing.TB, tenant string) {
	t.Helper()
	h.Admin(t, `UPDATE tenant_keys SET rotated_at = rotated_at - interval '25 hours' WHERE tenant_id = $1`, tenant)
}

func TestRotate(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	other := h.node(h.master)
	values := make([]models.Value, 250) // more than one batch
	for i := range values {
		values[i] = models.Value(fmt.Sprintf(`"canary-%d"`, i))
	}
	texts := h.keep(t, h.Service, "acme", "a", values...)
	first := h.ciphertext(t, "acme", texts[0])
	reveal := func(s *secrets.Service, ciphertext []byte) {
		t.Helper()
		if got, err := s.Reveal(t.Context(), "acme", "a", texts[0], ciphertext); err != nil || got.Reveal() != values[0] {
			t.Errorf("reveals %q, %v", got.Reveal(), err)
		}
	}
	reveal(other, first)

	done, err := h.Rotate(admin(t), "acme")
	if want := (secrets.Rotated{Keys: 1, Values: 250}); err != nil || done != want {
		t.Fatalf("%+v, %v", done, err)
	}
	second := h.ciphertext(t, "acme", texts[0])
	reveal(other, second) // its key is of yesterday
	reveal(other, first)  // what it still has in memory
	if again, _ := sealed(t, other, "acme", "a", values[0]); !models.Same(again, texts[0]) {
		t.Error("a rotation changed what equal values are")
	}

	h.longAgo(t, "acme")
	done, err = h.Rotate(admin(t), "acme")
	if want := (secrets.Rotated{Keys: 1, Values: 250, Dropped: 1}); err != nil || done != want {
		t.Fatalf("%+v, %v", done, err)
	}
	fresh := h.node(h.master)
	reveal(fresh, second) // the key replaced last still opens
	reveal(fresh, first)  // its key is gone: what is stored now is taken
	if _, err := fresh.Open("acme", "a", texts[0], first); err == nil {
		t.Error("a dropped key opens")
	}

	done, err = h.Rotate(admin(t), "acme") // soon after: nothing is dropped
	if want := (secrets.Rotated{Keys: 1, Values: 250}); err != nil || done != want {
		t.Fatalf("%+v, %v", done, err)
	}
	var entries int
	h.Scan(t, `SELECT count(*) FROM audit_entries WHERE tenant_id = 'acme' AND action = 'secret.rotate'`, nil, &entries)
	if entries != 3 {
		t.Errorf("%d audit entries", entries)
	}
	if log := h.log.String(); strings.Contains(log, "canary") {
		t.Error(log)
	}
}

// A rotation that was cut off leaves values under the old key: it is kept until the next one has sealed them anew.
func TestRotateAfterCrash(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	texts := h.keep(t, h.Service, "acme", "a", canary)
	old := h.ciphertext(t, "acme", texts[0])
	rotate := func(want secrets.Rotated) {
		t.Helper()
		if done, err := h.Rotate(admin(t), "acme"); err != nil || done != want {
			t.Errorf("%+v, want %+v, %v", done, want, err)
		}
		h.longAgo(t, "acme")
	}
	rotate(secrets.Rotated{Keys: 1, Values: 1})
	h.Admin(t, `UPDATE sealed_values SET ciphertext = $1`, old) // as if it had not come to them
	h.Admin(t, `INSERT INTO sealed_values (tenant_id, id, key, ciphertext) VALUES ('acme', gen_random_uuid(), 'a', $1)`, old)
	rotate(secrets.Rotated{Keys: 1, Values: 1, Unopened: 1}) // the one that opens nowhere keeps its key
	if got, err := h.node(h.master).Reveal(t.Context(), "acme", "a", texts[0], old); err != nil || got.Reveal() != canary {
		t.Errorf("the key that something is sealed under is gone: %v", err)
	}
	h.Admin(t, `DELETE FROM sealed_values WHERE ciphertext = $1`, old)
	rotate(secrets.Rotated{Keys: 1, Values: 1, Dropped: 2})
	ciphertext := h.ciphertext(t, "acme", texts[0])
	if got, err := h.node(h.master).Reveal(t.Context(), "acme", "a", texts[0], ciphertext); err != nil || got.Reveal() != canary {
		t.Errorf("in the end: %v", err)
	}
}

func TestRotateRefuses(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.keep(t, h.Service, "acme", "a", canary)
	for name, test := range map[string]struct {
		ctx    context.Context
		tenant string
		want   models.Code
	}{
		"nobody":         {t.Context(), "acme", models.CodeUnauthenticated},
		"tenant's admin": {as(t.Context(), models.RoleTenantAdmin, "acme"), "acme", models.CodeNotFound},
		"engineer":       {as(t.Context(), models.RoleEngineer, models.Platform), "acme", models.CodeForbidden},
		"no key":         {admin(t), "globex", models.CodeNotFound},
		"admin":          {admin(t), "acme", ""},
	} {
		if _, err := h.Rotate(test.ctx, test.tenant); code(err) != test.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	var err error
	for range 25 {
		if _, err = h.Rotate(admin(t), "acme"); err != nil {
			break
		}
	}
	if code(err) != models.CodeConflict {
		t.Errorf("keys without end: %v", err)
	}
}

func TestRotateAll(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.keep(t, h.Service, "acme", "a", canary)
	h.keep(t, h.Service, "globex", "a", canary, canary)
	h.Tenant(t, "gone", "Free")
	if err := h.Shred(admin(t), "gone"); err != nil {
		t.Fatal(err)
	}
	done, err := h.RotateAll(admin(t))
	if want := (secrets.Rotated{Keys: 2, Values: 3}); err != nil || done != want {
		t.Errorf("%+v, %v", done, err)
	}
	h.Admin(t, `UPDATE tenant_keys SET keyset = 'broken' WHERE tenant_id = 'acme'`)
	done, err = h.RotateAll(admin(t))
	if want := (secrets.Rotated{Keys: 1, Values: 2}); err == nil || !strings.Contains(err.Error(), "acme") || done != want {
		t.Errorf("with a broken key: %+v, %v", done, err)
	}
}

// Readers and writers on another node never fail while data keys are rotated again and again under them.
func TestRotateUnderLoad(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	node := h.node(h.master)
	var writes atomic.Int64
	reads := h.under(t, node, func(ctx context.Context) {
		for ctx.Err() == nil {
			text, row := sealed(t, node, "acme", "b", canary)
			err := h.Tx(as(t.Context(), models.RoleEngineer, "acme"), func(ctx context.Context, _ *gorm.DB) error {
				return store.Send(ctx, secrets.Insert("acme", []secrets.Row{row}))
			})
			if got, opened := h.Reveal(t.Context(), "acme", "b", text, row.Ciphertext); err != nil || opened != nil || got.Reveal() != canary {
				t.Errorf("wrote %v, read %v", err, opened)
				return
			}
			writes.Add(1)
		}
	}, func() {})
	t.Logf("%d reads and %d writes during 12 rotations", reads, writes.Load())
	if reads == 0 || writes.Load() == 0 {
		t.Error("nothing was read or written meanwhile")
	}
}

// A year of rotations is no trouble for who still holds the ciphertexts of its beginning.
func TestRotateUnderOldReaders(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	reads := h.under(t, h.node(h.master), func(context.Context) {}, func() { h.longAgo(t, "acme") })
	t.Logf("%d reads during 12 rotations with dropped keys", reads)
}

// under rotates acme's key twelve times while four readers of a node look at what they held at the beginning and at what
// is stored now, and something else goes on. It returns the number of reads.
func (h *house) under(t *testing.T, node *secrets.Service, meanwhile func(context.Context), between func()) int64 {
	t.Helper()
	texts := h.keep(t, h.Service, "acme", "a", `"0"`, `"1"`, `"2"`, `"3"`)
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	var reads atomic.Int64
	for i, text := range texts {
		want := models.Value(fmt.Sprintf(`"%d"`, i))
		held := h.ciphertext(t, "acme", text) // as a layer set in memory that nothing replaces
		running.Go(func() {
			for ctx.Err() == nil {
				for _, ciphertext := range [][]byte{held, h.ciphertext(t, "acme", text)} {
					if got, err := node.Reveal(t.Context(), "acme", "a", text, ciphertext); err != nil || got.Reveal() != want {
						t.Errorf("read %q, %v", got.Reveal(), err)
						return
					}
					reads.Add(1)
				}
			}
		})
	}
	running.Go(func() { meanwhile(ctx) })
	for range 12 {
		if _, err := h.Rotate(admin(t), "acme"); err != nil {
			t.Error(err)
		}
		between()
	}
	stop()
	running.Wait()
	return reads.Load()
}

func TestRewrap(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	texts := h.keep(t, h.Service, "acme", "a", canary)
	h.keep(t, h.Service, "globex", "a", canary)
	ciphertext := h.ciphertext(t, "acme", texts[0])
	next, err := secrets.NewMaster()
	if err != nil {
		t.Fatal(err)
	}
	opens := func(s *secrets.Service) bool {
		got, err := s.Reveal(t.Context(), "acme", "a", texts[0], ciphertext)
		return err == nil && got.Reveal() == canary
	}
	between := secrets.New(secrets.Options{DB: h.DB, Master: next, Other: h.master})
	if opens(h.node(next)) || !opens(between) {
		t.Error("before: the new key alone opens, or both together do not")
	}
	renewed := h.node(next)
	if _, err := renewed.Rewrap(as(t.Context(), models.RoleTenantAdmin, "acme"), h.master); code(err) != models.CodeNotFound {
		t.Errorf("a tenant's admin: %v", err)
	}
	for i, want := range []int{2, 0} {
		if n, err := renewed.Rewrap(admin(t), h.master); err != nil || n != want {
			t.Errorf("call %d: %d keys, %v", i, n, err)
		}
	}
	between = secrets.New(secrets.Options{DB: h.DB, Master: h.master, Other: next})
	if opens(h.node(h.master)) || !opens(h.node(next)) || !opens(between) {
		t.Error("after: the old key opens, or the new one does not")
	}
	if n, err := renewed.Rewrap(admin(t), next); err != nil || n != 0 {
		t.Errorf("from itself: %d, %v", n, err)
	}
}

func TestShred(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	texts := h.keep(t, h.Service, "acme", "a", canary)
	kept := h.keep(t, h.Service, "globex", "a", canary)
	ciphertext := h.ciphertext(t, "acme", texts[0])
	other := h.node(h.master)
	if got, err := other.Reveal(t.Context(), "acme", "a", texts[0], ciphertext); err != nil || got.Reveal() != canary {
		t.Fatal(err)
	}
	var moved []models.Head
	h.OnMoved(func(heads []models.Head) { moved = append(moved, heads...) })
	for name, test := range map[string]struct {
		ctx    context.Context
		tenant string
		want   models.Code
	}{
		"nobody":         {t.Context(), "acme", models.CodeUnauthenticated},
		"tenant's admin": {as(t.Context(), models.RoleTenantAdmin, "acme"), "acme", models.CodeNotFound},
		"a layer":        {admin(t), models.Platform, models.CodeInvalid},
		"unknown":        {admin(t), "nobody", models.CodeNotFound},
	} {
		if err := h.Shred(test.ctx, test.tenant); code(err) != test.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := h.Shred(admin(t), "acme"); err != nil {
		t.Fatal(err)
	}
	other.Raise(moved) // as the scan tells it
	for name, node := range map[string]*secrets.Service{"here": h.Service, "elsewhere": other, "new": h.node(h.master)} {
		if got, err := node.Reveal(t.Context(), "acme", "a", texts[0], ciphertext); code(err) != models.CodeConflict {
			t.Errorf("%s: %q, %v", name, got.Reveal(), err)
		}
		if _, _, err := node.Seal("acme", "a", models.NewSecret(canary)); !errors.As(err, new(secrets.NotReadyError)) {
			t.Errorf("%s: sealed under a destroyed key: %v", name, err)
		}
	}
	if err := h.Shred(admin(t), "acme"); code(err) != models.CodeConflict {
		t.Errorf("again: %v", err)
	}
	if _, err := h.Rotate(admin(t), "acme"); code(err) != models.CodeConflict {
		t.Errorf("rotated: %v", err)
	}
	if got, err := other.Reveal(t.Context(), "globex", "a", kept[0], h.ciphertext(t, "globex", kept[0])); err != nil || got.Reveal() != canary {
		t.Errorf("the neighbour: %v", err)
	}
	var left int
	h.Scan(t, `SELECT count(*) FROM tenant_keys WHERE tenant_id = 'acme' AND (keyset IS NOT NULL OR commitment IS NOT NULL)`, nil, &left)
	if left != 0 {
		t.Error("the key is still there")
	}
}

// A node that heard nothing finds out by its look at the database.
func TestLook(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	other := h.node(h.master)
	texts := h.keep(t, h.Service, "acme", "a", canary)
	kept := h.keep(t, h.Service, "globex", "a", canary)
	for tenant, text := range map[string]models.Value{"acme": texts[0], "globex": kept[0]} {
		if _, err := other.Reveal(t.Context(), tenant, "a", text, h.ciphertext(t, tenant, text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.Shred(admin(t), "acme"); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Rotate(admin(t), "globex"); err != nil {
		t.Fatal(err)
	}
	ciphertext := h.ciphertext(t, "globex", kept[0])
	if err := other.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Open("acme", "a", texts[0], h.ciphertext(t, "acme", texts[0])); !errors.As(err, new(secrets.NotReadyError)) {
		t.Errorf("a shredded key is in memory: %v", err)
	}
	if got, err := other.Open("globex", "a", kept[0], ciphertext); err != nil || got.Reveal() != canary {
		t.Errorf("a rotated key is not: %v", err)
	}
}

// Without the database, keys in memory go on opening.
func TestDatabaseDown(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	text, row := sealed(t, h.Service, "acme", "a", canary)
	h.Close()
	if got, err := h.Reveal(t.Context(), "acme", "a", text, row.Ciphertext); err != nil || got.Reveal() != canary {
		t.Error(err)
	}
	if err := h.Look(t.Context()); err == nil {
		t.Error("looked at a closed database")
	}
	if got, err := h.Reveal(t.Context(), "acme", "a", text, row.Ciphertext); err != nil || got.Reveal() != canary {
		t.Error(err)
	}
	if err := h.Ready(t.Context(), "globex"); err == nil {
		t.Error("a key came from nowhere")
	}
}
