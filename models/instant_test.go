package models_test

import (
	"testing"
	"time"

	"github.com/hotswap/hotswap/models"
)

func TestParseInstant(t *testing.T) {
	t.Parallel()
	want := time.Date(2026, 1, 2, 13, 4, 5, 678901000, time.UTC)
	for text, ok := range map[string]bool{
		"2026-01-02T13:04:05.678901Z": true, "2026-01-02T15:04:05.678901+02:00": true, "2026-01-02T15:04:05.678901 02:00": false,
		"2026-01-02T13:04:05.678901": false, "2026-01-02": false, "2026-01-02 13:04:05Z": false, "2026-01-02T13:04:05,678901Z": false,
		"2026-13-02T13:04:05Z": false, "2026-01-02T3:04:05Z": false, "1767358000": false, "now": false, "": false,
	} {
		at, err := models.ParseInstant(text, "/at")
		switch {
		case ok && (err != nil || !at.Equal(want) || at.Location() != time.UTC):
			t.Errorf("%q: %v, %v", text, at, err)
		case !ok && problemOf(err) != invalid("/at"):
			t.Errorf("%q: %v, %v", text, at, err)
		}
	}
}
