package store_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/store"
	"github.com/hotswap/hotswap/services/store/storetest"
)

// What is logged of a statement that fails names it and none of its values, however it is run.
func TestLogHoldsNoValues(t *testing.T) {
	t.Parallel()
	const value = "canary-5b1c"
	var log bytes.Buffer
	db, err := store.Open(t.Context(), store.Options{
		URL: storetest.New(t).URL, MaxConns: 2, Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	const sql = `SELECT 1 / (length(?) - length(?))`
	for name, run := range map[string]func(*gorm.DB) error{
		"exec": func(tx *gorm.DB) error { return tx.Exec(sql, value, value).Error },
		"scan": func(tx *gorm.DB) error { var n []int; return tx.Raw(sql, value, value).Scan(&n).Error },
		"row":  func(tx *gorm.DB) error { var n int; return tx.Raw(sql, value, value).Row().Scan(&n) },
		"find": func(tx *gorm.DB) error {
			var n []struct{ TenantID string }
			return tx.Table("heads").Where("1 / (length(?) - length(?)) > 0", value, value).Find(&n).Error
		},
	} {
		log.Reset()
		ctx := models.WithActor(t.Context(), models.System("scan"))
		if err := db.Tx(ctx, func(_ context.Context, tx *gorm.DB) error { return run(tx) }); err == nil {
			t.Errorf("%s: it did not fail", name)
		}
		if text := log.String(); strings.Contains(text, value) || name != "row" && !strings.Contains(text, "length(") {
			t.Errorf("%s: logged is %q", name, text)
		}
	}
}
