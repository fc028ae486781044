package snapshots_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hotswap/hotswap/models"
	vault "github.com/hotswap/hotswap/services/secrets"
	"github.com/hotswap/hotswap/services/snapshots"
	"github.com/hotswap/hotswap/services/store/storetest"
	"github.com/hotswap/hotswap/services/tenants"
)

// keeper is a node that keeps secrets, with what it logs.
type keeper struct {
	node
	vault *vault.Service
	logs  *bytes.Buffer
}

func newMaster(t testing.TB) *vault.Master {
	t.Helper()
	master, err := vault.NewMaster()
	if err != nil {
		t.Fatal(err)
	}
	return master
}

func newKeeper(t testing.TB) keeper {
	t.Helper()
	n := newNode(t)
	n.db.Define(t, models.Platform, "password", models.TypeString, true)
	return keeperOn(t, n.db, newMaster(t))
}

func keeperOn(t testing.TB, db *storetest.Database, master *vault.Master) keeper {
	t.Helper()
	k := keeper{node: node{db: db, directory: tenants.NewDirectory(db.DB, nil), registry: prometheus.NewRegistry()}, logs: &bytes.Buffer{}}
	log := slog.New(slog.NewTextHandler(k.logs, nil))
	k.vault = vault.New(vault.Options{DB: db.DB, Master: master, Now: time.Now, NewID: uuid.NewString, Log: log})
	var err error
	k.Service, err = snapshots.New(snapshots.Options{
		DB: db.DB, Tenants: k.directory, Secrets: k.vault, MaxBytes: 64 << 20, Log: log, Metrics: k.registry, Now: time.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(k.Load(t.Context()), k.directory.Load(t.Context())); err != nil {
		t.Fatal(err)
	}
	return k
}

// seal makes a sensitive value live and returns the id that its ciphertext is kept under.
func (k keeper) seal(t testing.TB, tenant, environment, key, value string) (id string) {
	t.Helper()
	if err := k.vault.Ready(t.Context(), tenant); err != nil {
		t.Fatal(err)
	}
	text, row, err := k.vault.Seal(tenant, key, models.NewSecret(models.Value(value)))
	if err != nil {
		t.Fatal(err)
	}
	k.db.Admin(t, `INSERT INTO sealed_values (tenant_id, id, key, ciphertext) VALUES ($1, $2, $3, $4)`, tenant, row.ID, key, row.Ciphertext)
	config := k.db.Set(t, tenant, environment, key, value)
	k.db.Admin(t, `UPDATE config_versions SET value = $3 WHERE tenant_id = $1 AND config_id = $2 AND live_to IS NULL`, tenant, config, string(text))
	k.Raise([]models.Head{k.db.Head(t, tenant, environment)})
	return row.ID
}

func TestSecretsInClear(t *testing.T) {
	t.Parallel()
	k := newKeeper(t)
	k.seal(t, models.Platform, production, "password", `"above"`)
	k.seal(t, "acme", production, "password", `"hunter2"`)
	k.seal(t, "acme", production, "once.secret", `{"n":1}`) // nothing calls it a secret now
	k.set(t, "acme", production, "plain", `1`)
	with, without := k.read(t, "acme", production, true), k.read(t, "acme", production, false)
	if want := `"configs":{"once.secret":{"n":1},"password":"hunter2","plain":1}}`; !strings.HasSuffix(string(with.Body()), want) || !with.Reveals {
		t.Errorf("with the right: %s", with.Body())
	}
	if want := `"configs":{"plain":1}}`; !strings.HasSuffix(string(without.Body()), want) || without.Reveals ||
		!cmp.Equal(without.Withheld, []string{"once.secret", "password"}) {
		t.Errorf("without the right: %s, withheld %v", without.Body(), without.Withheld)
	}
	if r, ok := with.Key("password"); !ok || !r.Sensitive || r.Value != `"hunter2"` {
		t.Errorf("the key: %+v", r)
	}
	if again := k.read(t, "acme", production, false); again != without || strings.Contains(string(again.Body()), "hunter2") {
		t.Errorf("after somebody read them in clear: %s", again.Body())
	}
	if other := k.read(t, "globex", production, true); !strings.Contains(string(other.Body()), `"password":"above"`) {
		t.Errorf("another tenant inherits %s", other.Body())
	}
	if strings.Contains(k.logs.String(), "hunter2") {
		t.Error("a secret is in the log")
	}
}

// What was moved to another place, damaged or destroyed is left out, and the rest is served.
func TestSecretsThatDoNotOpen(t *testing.T) {
	t.Parallel()
	k := newKeeper(t)
	mine := k.seal(t, "acme", production, "password", `"hunter2"`)
	token := k.seal(t, "acme", production, "token", `"hunter3"`)
	k.seal(t, "acme", production, "lost", `"hunter4"`)
	k.seal(t, "acme", production, "good", `"hunter5"`)
	theirs := k.seal(t, "globex", production, "password", `"hunter6"`)
	k.db.Admin(t, `
		UPDATE sealed_values v SET ciphertext = o.ciphertext FROM sealed_values o
		WHERE (v.id, o.id) IN (($1, $2), ($3, $1), ($2, $1))`, mine, theirs, token)
	k.db.Admin(t, `DELETE FROM sealed_values WHERE key = 'lost'`)
	snap := k.read(t, "acme", production, true)
	if want := `"configs":{"good":"hunter5"}}`; !strings.HasSuffix(string(snap.Body()), want) || !cmp.Equal(snap.Withheld, []string{"lost", "password", "token"}) {
		t.Errorf("got %s, withheld %v", snap.Body(), snap.Withheld)
	}
	if _, ok := k.read(t, "globex", production, true).Key("password"); ok {
		t.Error("another tenant's ciphertext opens")
	}
	if n := k.counted(t, "hotswap_secrets_unopened_total", ""); n != 4 {
		t.Errorf("%v are counted", n)
	}
	if logs := k.logs.String(); strings.Count(logs, "does not open") < 4 || !strings.Contains(logs, "key=lost") || strings.Contains(logs, "hunter") {
		t.Errorf("the log says\n%s", logs)
	}
}

// A master key that does not answer is no reason to answer without the secrets, as if there were none.
func TestSecretsOutOfReach(t *testing.T) {
	t.Parallel()
	k := newKeeper(t)
	k.seal(t, "acme", production, "password", `"hunter2"`)
	stranger := keeperOn(t, k.db, newMaster(t))
	if _, err := stranger.Get(t.Context(), snapshots.Ask{TenantID: "acme", Environment: production, InClear: true}); code(err) != models.CodeUnavailable {
		t.Errorf("got %v", err)
	}
	if snap := stranger.read(t, "acme", production, false); len(snap.Withheld) != 1 {
		t.Errorf("without secrets it needs no key: %s", snap.Body())
	}
	if n := stranger.counted(t, "hotswap_secrets_unopened_total", ""); n != 0 {
		t.Errorf("%v are counted as damaged", n)
	}
}

// People see that secrets differ, never what they are, wherever they are set and whatever they may read elsewhere.
func TestSealedValuesAreCompared(t *testing.T) {
	t.Parallel()
	k := newKeeper(t)
	k.seal(t, "acme", "Development", "password", `"one"`)
	k.seal(t, "acme", "QA", "password", `"one"`)
	k.seal(t, models.Platform, "Staging", "password", `"one"`)
	lost := k.seal(t, "acme", production, "password", `"one"`)
	viewer := as(t, models.RoleViewer, "acme", "")
	drift := func() string {
		var out []bool
		m := k.matrix(viewer, t, snapshots.MatrixFilter{TenantID: "acme", Search: "password"})
		for _, c := range m.Rows.Items[0].Cells {
			if c.Value != models.Masked || !c.Masked {
				t.Errorf("the matrix shows %+v", c)
			}
			out = append(out, c.Drift)
		}
		return fmt.Sprint(out)
	}
	if got := drift(); got != "[false false false false]" {
		t.Errorf("the same secret on several layers drifts: %s", got)
	}
	k.seal(t, "acme", "QA", "password", `"two"`)
	if got := drift(); got != "[false true true false]" {
		t.Errorf("another in one environment: %s", got)
	}
	k.db.Admin(t, `DELETE FROM sealed_values WHERE id = $1`, lost)
	k.set(t, "acme", production, "other", `1`)
	if got := drift(); got != "[false true true true]" {
		t.Errorf("one that does not open: %s", got)
	}
	for _, by := range []string{"sealed", "one", "two", "***", lost} {
		if m := k.matrix(secrets(t, "acme"), t, snapshots.MatrixFilter{TenantID: "acme", Search: by}); m.Found != 0 {
			t.Errorf("%q is found", by)
		}
	}
	got, err := k.Compare(secrets(t, "acme"), snapshots.CompareIn{TenantID: "acme", From: "Development", To: "QA"})
	if err != nil || len(got) != 1 || got[0].Status != snapshots.StatusChanged || got[0].From != models.Masked || got[0].To != models.Masked {
		t.Errorf("compared: %+v, %v", got, err)
	}
}
