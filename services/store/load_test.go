package store_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/store"
	"github.com/hotswap/hotswap/services/store/storetest"
)

func TestLoadShowsWhoWaits(t *testing.T) {
	t.Parallel()
	db, err := store.Open(t.Context(), store.Options{URL: storetest.New(t).URL, MaxConns: 1, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	ctx := models.WithActor(t.Context(), models.System("scan"))
	if got := db.Load(); got != (store.Load{Max: 1}) {
		t.Errorf("idle: %+v", got)
	}
	entered, leave := make(chan struct{}), make(chan struct{})
	var busy sync.WaitGroup
	busy.Go(func() {
		if err := db.Tx(ctx, func(context.Context, *gorm.DB) error {
			close(entered)
			<-leave
			return nil
		}); err != nil {
			t.Error(err)
		}
	})
	<-entered
	busy.Go(func() {
		if err := db.Tx(ctx, func(context.Context, *gorm.DB) error { return nil }); err == nil {
			t.Error("there was a connection for both")
		}
	})
	for end := time.Now().Add(5 * time.Second); db.Load() != (store.Load{Max: 1, InUse: 1, Waiting: 1}); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("one at work, one waits: %+v", db.Load())
		}
	}
	for end := time.Now().Add(5 * time.Second); db.Load().Refused != 1; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("nobody was refused: %+v", db.Load())
		}
	}
	close(leave)
	busy.Wait()
	if got := db.Load(); got != (store.Load{Max: 1, Refused: 1}) {
		t.Errorf("afterwards: %+v", got)
	}
}
