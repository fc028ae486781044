package store_test

import (
	"testing"

	"github.com/hotswap/hotswap/services/store"
)

func TestLike(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"": "%%", "a.b": "%a.b%", `50%_\`: `%50\%\_\\%`} {
		if got := store.Like(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}
