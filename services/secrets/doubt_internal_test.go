package secrets

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/audit"
	"github.com/hotswap/hotswap/services/store/storetest"
)

// gate is a master key that answers when it is let.
type gate struct {
	*Master

	asked, open chan struct{}
}

// EncryptWithContext seals.
func (g gate) EncryptWithContext(ctx context.Context, plain, associated []byte) ([]byte, error) {
	return g.aead.EncryptWithContext(ctx, plain, associated)
}

// DecryptWithContext waits.
func (g gate) DecryptWithContext(ctx context.Context, sealed, associated []byte) ([]byte, error) {
	select {
	case g.asked <- struct{}{}:
		<-g.open
	default:
	}
	return g.aead.DecryptWithContext(ctx, sealed, associated)
}

// A data key that is shredded while a node is just reading it does not stay in the node's memory.
func TestShreddedWhileItIsRead(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	db.Tenant(t, "acme", "Free")
	master, err := NewMaster()
	if err != nil {
		t.Fatal(err)
	}
	node := func(m *Master) *Service {
		quiet := slog.New(slog.DiscardHandler)
		return New(Options{DB: db.DB, Audit: audit.New(db.DB, time.Now, quiet), Master: m, Now: time.Now, NewID: uuid.NewString, Log: quiet})
	}
	one := node(master)
	if err := one.Ready(t.Context(), "acme"); err != nil {
		t.Fatal(err)
	}
	text, row, err := one.Seal("acme", "a", models.NewSecret(`"v"`))
	if err != nil {
		t.Fatal(err)
	}

	slow := gate{master, make(chan struct{}), make(chan struct{})}
	two := node(&Master{name: master.name, aead: slow})
	db.OnMoved(two.Raise)
	ready := make(chan error, 1)
	go func() { ready <- two.Ready(t.Context(), "acme") }()
	for begun := false; !begun; { // the gate asks only who listens
		select {
		case <-slow.asked:
			begun = true
		case err := <-ready:
			t.Fatalf("it did not wait: %v", err)
		}
	}
	admin := models.Actor{
		ActorRef: models.ActorRef{ID: "7a8f4f0e-1111-4222-8333-444455556666", Kind: models.ActorPerson, Name: "Pat"},
		Grants:   []models.Grant{{Role: models.RolePlatformAdmin, Tenant: models.Platform}},
	}
	if err := one.Shred(models.WithActor(t.Context(), admin), "acme"); err != nil {
		t.Fatal(err)
	}
	close(slow.open)
	if err := <-ready; err != nil {
		t.Fatal(err)
	}
	if got, err := two.Reveal(t.Context(), "acme", "a", text, row.Ciphertext); err == nil {
		t.Errorf("it reveals %q", got.Reveal())
	}
}
