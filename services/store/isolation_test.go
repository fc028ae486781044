package store_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/store"
	"github.com/hotswap/hotswap/services/store/storetest"
)

// above is what a tenant inherits and therefore reads.
var above = []string{"configs", "config_versions", "definitions", "definition_versions", "policies", "heads"}

func TestRowsSeen(t *testing.T) {
	t.Parallel()
	d := storetest.New(t)
	seed(t, d)
	for _, table := range tenantTables(t, d) {
		t.Run(table, func(t *testing.T) {
			t.Parallel()
			check := func(ctx context.Context, who string, acme, globex int) {
				t.Helper()
				err := d.Tx(ctx, func(_ context.Context, tx *gorm.DB) error {
					seen, err := tenantsSeen(tx, table)
					if seen["acme"] != acme || seen["globex"] != globex {
						t.Errorf("%s sees %v", who, seen)
					}
					return err
				})
				if err != nil {
					t.Errorf("%s: %v", who, err)
				}
			}
			check(person(t.Context(), models.RoleEngineer, "acme"), "acme's engineer", 1, 0)
			check(person(t.Context(), models.RoleEngineer, "globex"), "globex's engineer", 0, 1)
			check(person(t.Context(), models.RoleEngineer, models.Platform), "an engineer of all", 1, 1)
			check(models.WithActor(t.Context(), models.Actor{}), "somebody without a role", 0, 0)
			check(models.WithActor(t.Context(), models.System("nobody")), "an unknown system actor", 0, 0)
		})
	}
}

func TestNobodyGetsIn(t *testing.T) {
	t.Parallel()
	d := storetest.New(t)
	never := func(context.Context, *gorm.DB) error { t.Error("ran"); return nil }
	for name, run := range map[string]func() error{
		"tx":       func() error { return d.Tx(t.Context(), never) },
		"snapshot": func() error { return d.Snapshot(t.Context(), never) },
		"write":    func() error { return d.Write(t.Context(), []string{models.Platform}, never) },
	} {
		if code(run()) != models.CodeUnauthenticated {
			t.Errorf("%s let nobody in", name)
		}
	}
}

// Rows of another tenant cannot be written, changed or taken away; layers above cannot be written.
func TestForeignWrites(t *testing.T) {
	t.Parallel()
	d := storetest.New(t)
	seed(t, d)
	ctx := person(t.Context(), models.RoleEngineer, "acme")
	chain := []string{models.Platform, "@tier.enterprise", "acme"}
	touched := func(sql string, args ...any) int64 {
		var n int64
		_ = d.Write(ctx, chain, func(_ context.Context, tx *gorm.DB) error {
			r := tx.Exec(sql, args...)
			n = r.RowsAffected
			return r.Error
		})
		return n
	}
	for _, tenant := range []string{"globex", models.Platform, "@tier.enterprise"} {
		if n := touched(`UPDATE heads SET revision = revision + 1 WHERE tenant_id = ?`, tenant); n != 0 {
			t.Errorf("moved %d heads of %s", n, tenant)
		}
		if n := touched(`INSERT INTO heads (tenant_id, environment) VALUES (?, 'QA')`, tenant); n != 0 {
			t.Errorf("made a head of %s", tenant)
		}
		if n := touched(`DELETE FROM role_bindings WHERE tenant_id = ?`, tenant); n != 0 {
			t.Errorf("took bindings from %s", tenant)
		}
	}
	if n := touched(`UPDATE heads SET revision = revision + 1 WHERE tenant_id = 'acme'`); n != 1 {
		t.Errorf("the own head did not move: %d", n)
	}
	if n := touched(`UPDATE heads SET tenant_id = 'globex' WHERE tenant_id = 'acme'`); n != 0 {
		t.Error("gave a head away")
	}
}

func TestLayersAbove(t *testing.T) {
	t.Parallel()
	d := storetest.New(t)
	seed(t, d)
	d.Admin(t, `INSERT INTO definitions (tenant_id, key, type, created_at, updated_at) VALUES ('@platform', 'p', 'string', now(), now())`)
	ctx := person(t.Context(), models.RoleEngineer, "acme")
	err := d.Write(ctx, []string{models.Platform, "@tier.enterprise", "acme"}, func(_ context.Context, tx *gorm.DB) error {
		for _, table := range tenantTables(t, d) {
			seen, err := tenantsSeen(tx, table)
			if err != nil {
				return err
			}
			reads := seen[models.Platform]+seen["@tier.enterprise"] > 0
			if reads && !slices.Contains(above, table) {
				t.Errorf("%s of layers above is readable", table)
			}
			if seen["globex"] > 0 || seen["@tier.free"] > 0 {
				t.Errorf("%s shows others: %v", table, seen)
			}
		}
		var n int64
		err := tx.Raw(`SELECT count(*) FROM definitions WHERE tenant_id = '@platform'`).Scan(&n).Error
		if n != 1 {
			t.Errorf("the platform's definitions are not readable: %d", n)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestWriteOutsideTheScope(t *testing.T) {
	t.Parallel()
	d := storetest.New(t)
	seed(t, d)
	for _, chain := range [][]string{{models.Platform}, {models.Platform, "@tier.enterprise"}, {models.Platform, "@tier.enterprise", "globex"}} {
		err := d.Write(person(t.Context(), models.RoleTenantAdmin, "acme"), chain, func(context.Context, *gorm.DB) error {
			t.Errorf("wrote %v", chain)
			return nil
		})
		if code(err) != models.CodeNotFound {
			t.Errorf("%v: %v", chain, err)
		}
	}
}

func TestTransactionsDoNotNest(t *testing.T) {
	t.Parallel()
	d := storetest.New(t)
	ctx := person(t.Context(), models.RoleViewer, models.Platform)
	err := d.Tx(ctx, func(ctx context.Context, _ *gorm.DB) error {
		return d.Tx(ctx, func(context.Context, *gorm.DB) error { return nil })
	})
	if err == nil {
		t.Error("nested")
	}
}

// The next user of a connection never inherits a tenant, however its last user ended.
func TestScopeEndsWithTheTransaction(t *testing.T) {
	t.Parallel()
	d := storetest.New(t)
	seed(t, d)
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			mine, other := "acme", "globex"
			if i%2 == 1 {
				mine, other = other, mine
			}
			ctx, cancel := context.WithCancel(person(t.Context(), models.RoleEngineer, mine))
			defer cancel()
			if i%5 == 0 {
				time.AfterFunc(time.Duration(i%17)*100*time.Microsecond, cancel)
			}
			_ = d.Tx(ctx, func(_ context.Context, tx *gorm.DB) error {
				seen, err := tenantsSeen(tx, "configs")
				if err == nil && (seen[other] != 0 || seen[mine] != 1) {
					t.Errorf("%s sees %v", mine, seen)
				}
				if i%7 == 0 {
					return errors.New("on purpose")
				}
				return err
			})
		})
	}
	wg.Wait()
}

func TestOverPrivilegedRolesAreRefused(t *testing.T) {
	t.Parallel()
	d := storetest.New(t)
	for _, url := range []string{d.AdminURL, d.OwnerURL} {
		db, err := store.Open(t.Context(), store.Options{URL: url, Log: quiet()})
		if err == nil {
			db.Close()
			t.Error("an over-privileged role got in")
		}
	}
}
