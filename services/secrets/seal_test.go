package secrets_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/secrets"
	"github.com/hotswap/hotswap/services/store"
)

func TestSealAndOpen(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	if _, _, err := h.Seal("acme", "k", models.NewSecret(canary)); !errors.As(err, new(secrets.NotReadyError)) {
		t.Fatalf("sealed without a key: %v", err)
	}
	text, row := sealed(t, h.Service, "acme", "db.password", canary)
	if bytes.Contains(row.Ciphertext, []byte("canary")) || !text.IsSealed() || uuid.Validate(row.ID) != nil {
		t.Errorf("sealed as %q, %q", text, row.Ciphertext)
	}
	for name, node := range map[string]*secrets.Service{"the same node": h.Service, "another node": h.node(h.master)} {
		got, err := node.Reveal(t.Context(), "acme", "db.password", text, row.Ciphertext)
		if err != nil || got.Reveal() != canary {
			t.Errorf("%s: %q, %v", name, got.Reveal(), err)
		}
	}
	for name, v := range map[string]models.Value{"plain": `"x"`, "empty": "", "null": models.Null} {
		if _, err := h.Open("acme", "db.password", v, row.Ciphertext); err == nil {
			t.Errorf("%s: opened what is not sealed", name)
		}
	}
}

func TestCommitments(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	one, _ := sealed(t, h.Service, "acme", "a", canary)
	for name, test := range map[string]struct {
		tenant, key string
		value       models.Value
		same        bool
	}{
		"same":         {"acme", "a", canary, true},
		"other value":  {"acme", "a", `"x"`, false},
		"other key":    {"acme", "b", canary, false},
		"other tenant": {"globex", "a", canary, false},
	} {
		other, _ := sealed(t, h.Service, test.tenant, test.key, test.value)
		if models.Same(one, other) != test.same || one == other {
			t.Errorf("%s: %s and %s", name, one, other)
		}
	}
}

// What was sealed for one place opens in no other, whatever is moved.
func TestSwapped(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	text, row := sealed(t, h.Service, "acme", "a", canary)
	other, second := sealed(t, h.Service, "acme", "a", `"second"`)
	foreign, abroad := sealed(t, h.Service, "globex", "a", `"abroad"`)
	onTop, platform := sealed(t, h.Service, models.Platform, "a", `"top"`)
	blob, err := h.SealBlob(t.Context(), []byte(`"blob"`), []byte("a"))
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		tenant, key string
		text        models.Value
		ciphertext  []byte
	}{
		"other id":         {"acme", "a", other, row.Ciphertext},
		"other ciphertext": {"acme", "a", text, second.Ciphertext},
		"other key":        {"acme", "b", text, row.Ciphertext},
		"key and id glued": {"acme", "a" + row.ID[:1], models.Sealed{ID: row.ID[1:]}.Value(), row.Ciphertext},
		"other tenant":     {"globex", "a", text, row.Ciphertext},
		"foreign":          {"acme", "a", foreign, abroad.Ciphertext},
		"foreign as ours":  {"acme", "a", text, abroad.Ciphertext},
		"layer as ours":    {"acme", "a", onTop, platform.Ciphertext},
		"blob as value":    {models.Platform, "a", onTop, blob},
		"nothing":          {"acme", "a", text, nil},
		"short":            {"acme", "a", text, row.Ciphertext[:7]},
	} {
		var got models.Secret
		err := h.Retry(t.Context(), func() (err error) {
			got, err = h.Open(test.tenant, test.key, test.text, test.ciphertext)
			return err
		})
		if !errors.Is(err, secrets.ErrUnopened) {
			t.Errorf("%s: opened %q, %v", name, got.Reveal(), err)
		}
	}
	for name, associated := range map[string]string{"value as blob": "", "with its key": "a"} {
		if got, err := h.OpenBlob(t.Context(), platform.Ciphertext, []byte(associated)); !errors.Is(err, secrets.ErrUnopened) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if got, err := h.OpenBlob(t.Context(), blob, []byte("b")); !errors.Is(err, secrets.ErrUnopened) {
		t.Errorf("blob of another place: %q, %v", got, err)
	}
	if got, err := h.OpenBlob(t.Context(), blob, []byte("a")); err != nil || string(got) != `"blob"` {
		t.Errorf("blob: %q, %v", got, err)
	}
}

func TestTampered(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	text, row := sealed(t, h.Service, "acme", "a", canary)
	for i := range row.Ciphertext {
		forged := slices.Clone(row.Ciphertext)
		forged[i] ^= 1 << (i % 8)
		if got, err := h.Reveal(t.Context(), "acme", "a", text, forged); !errors.Is(err, secrets.ErrUnopened) {
			t.Fatalf("with byte %d changed: %q, %v", i, got.Reveal(), err)
		}
	}
	if got, err := h.Open("acme", "a", text, row.Ciphertext); err != nil || got.Reveal() != canary {
		t.Errorf("%q, %v", got.Reveal(), err)
	}
}

// Damaged ciphertexts that name keys which nobody has cost a bounded number of looks at the database.
func TestUnknownKeysAreLookedForOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	text, row := sealed(t, h.Service, "acme", "a", canary)
	looks := func(n int) int {
		before := len(h.Recorder.Statements())
		for i := range n {
			forged := slices.Clone(row.Ciphertext)
			forged[1], forged[2] = forged[1]^byte(i%50+1), forged[2]^1
			if _, err := h.Open("acme", "a", text, forged); errors.As(err, new(secrets.NotReadyError)) {
				if err := h.Ready(t.Context(), "acme"); err != nil {
					t.Fatal(err)
				}
			}
		}
		return len(h.Recorder.Statements()) - before
	}
	if first, again := looks(50), looks(1000); first == 0 || again != 0 {
		t.Errorf("%d statements at first, then %d", first, again)
	}
}

func TestWrongMaster(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	text, row := sealed(t, h.Service, "acme", "a", canary)
	wrong, err := secrets.NewMaster()
	if err != nil {
		t.Fatal(err)
	}
	stranger := h.node(wrong)
	if got, err := stranger.Reveal(t.Context(), "acme", "a", text, row.Ciphertext); code(err) != models.CodeUnavailable {
		t.Errorf("%q, %v", got.Reveal(), err)
	}
	for _, column := range []string{"keyset", "commitment"} { // taken from another tenant, or from each other
		h.Admin(t, `UPDATE tenant_keys SET `+column+` = o.`+column+` FROM tenant_keys o WHERE tenant_keys.tenant_id = 'globex' AND o.tenant_id = 'acme'`)
	}
	if err := h.Ready(t.Context(), "globex"); err != nil {
		t.Fatal(err) // globex had none: it is made now
	}
	h.Admin(t, `UPDATE tenant_keys SET keyset = o.keyset FROM tenant_keys o WHERE tenant_keys.tenant_id = 'globex' AND o.tenant_id = 'acme'`)
	if err := h.node(h.master).Ready(t.Context(), "globex"); err == nil {
		t.Error("took the keyset of another tenant")
	}
	h.Admin(t, `UPDATE tenant_keys SET commitment = keyset WHERE tenant_id = 'acme'`)
	if err := h.node(h.master).Ready(t.Context(), "acme"); err == nil {
		t.Error("took a keyset for the key of commitments")
	}
}

// Of many nodes that need a tenant's first key at once all end up with the same.
func TestFirstKeyIsOne(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	nodes := make([]*secrets.Service, 8)
	var ready sync.WaitGroup
	for i := range nodes {
		nodes[i] = h.node(h.master)
		ready.Go(func() {
			if err := nodes[i].Ready(t.Context(), "acme"); err != nil {
				t.Error(err)
			}
		})
	}
	ready.Wait()
	text, row := sealed(t, nodes[0], "acme", "a", canary)
	for i, node := range nodes {
		if got, err := node.Open("acme", "a", text, row.Ciphertext); err != nil || got.Reveal() != canary {
			t.Errorf("node %d: %v", i, err)
		}
	}
}

// Several missing keys are made ready together, however the error is wrapped.
func TestRetry(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	tenants := []string{"acme", "globex", models.Platform, "@tier.free", "@tier.pro", "@tier.enterprise"}
	runs := 0
	err := h.Retry(t.Context(), func() error {
		runs++
		var missing []error
		for _, tenant := range tenants {
			if _, _, err := h.Seal(tenant, "a", models.NewSecret(canary)); err != nil {
				missing = append(missing, fmt.Errorf("seal: %w", err))
			}
		}
		return errors.Join(missing...)
	})
	if err != nil || runs != 2 {
		t.Errorf("%d runs, %v", runs, err)
	}
	wanted := errors.New("mine")
	if err := h.Retry(t.Context(), func() error { return wanted }); !errors.Is(err, wanted) {
		t.Errorf("another error: %v", err)
	}
	err = h.Retry(t.Context(), func() error { return secrets.NotReadyError{TenantID: "acme"} })
	if code(err) != models.CodeUnavailable {
		t.Errorf("without end: %v", err)
	}
	err = h.Retry(t.Context(), func() error { return secrets.NotReadyError{TenantID: "nobody"} })
	if code(err) != models.CodeNotFound {
		t.Errorf("a tenant that does not exist: %v", err)
	}
}

func TestReadyRefuses(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	if err := h.Ready(t.Context(), "nobody"); code(err) != models.CodeNotFound {
		t.Errorf("a tenant that does not exist: %v", err)
	}
	err := h.Tx(admin(t), func(ctx context.Context, _ *gorm.DB) error { return h.Ready(ctx, "acme") })
	if err == nil {
		t.Error("a data key was made inside a transaction")
	}
}

// Row-level security keeps keys and ciphertexts of one tenant from the other, and from nobody.
func TestOthersSeeNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	text := h.keep(t, h.Service, "acme", "a", canary)[0]
	h.keep(t, h.Service, "globex", "a", canary)
	for name, test := range map[string]struct {
		ctx        context.Context
		keys, rows int
	}{
		"acme's engineer":   {as(t.Context(), models.RoleEngineer, "acme"), 1, 1},
		"globex's engineer": {as(t.Context(), models.RoleEngineer, "globex"), 1, 0},
		"without a role":    {models.WithActor(t.Context(), models.Actor{}), 0, 0},
		"the scan":          {models.WithActor(t.Context(), models.System("scan")), 0, 1},
		"another actor":     {models.WithActor(t.Context(), models.System("nobody")), 0, 0},
	} {
		var keys int
		var found map[string][]byte
		err := h.Tx(test.ctx, func(ctx context.Context, tx *gorm.DB) (err error) {
			if err := tx.Raw(`SELECT count(*) FROM tenant_keys`).Scan(&keys).Error; err != nil {
				return err
			}
			found, err = secrets.Read(ctx, "acme", text, `"plain"`)
			return err
		})
		if err != nil || keys != test.keys || len(found) != test.rows {
			t.Errorf("%s: %d keys, %d values, %v", name, keys, len(found), err)
		}
	}
	_, row := sealed(t, h.Service, "acme", "a", canary)
	err := h.Tx(as(t.Context(), models.RoleEngineer, "globex"), func(ctx context.Context, _ *gorm.DB) error {
		return store.Send(ctx, secrets.Insert("acme", []secrets.Row{row}))
	})
	if err == nil {
		t.Error("globex stored a value of acme")
	}
}

// A mark is the same on every node and over rotations, and nobody makes it without the platform's key.
func TestMark(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	mark := func(s *secrets.Service, digest string) string {
		t.Helper()
		m, err := s.Mark(t.Context(), []byte(digest))
		if err != nil {
			t.Fatal(err)
		}
		return string(m)
	}
	first := mark(h.Service, "one")
	if _, err := h.Rotate(admin(t), models.Platform); err != nil {
		t.Fatal(err)
	}
	if mark(h.Service, "one") != first || mark(h.node(h.master), "one") != first {
		t.Error("the same digest has another mark")
	}
	other := newHouse(t)
	if mark(h.Service, "two") == first || mark(other.Service, "one") == first {
		t.Error("another digest, or another platform, has the same mark")
	}
}
