package access_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hotswap/hotswap/services/access"
)

func (h *house) flash(t *testing.T, token access.Token, text string) {
	t.Helper()
	if err := h.AddFlash(t.Context(), token, text); err != nil {
		t.Error(err)
	}
}

func (h *house) flashes(t *testing.T, token access.Token) []string {
	t.Helper()
	kept, err := h.TakeFlashes(t.Context(), token)
	if err != nil {
		t.Error(err)
	}
	return kept
}

func TestFlashes(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ann, bob := h.begin(t, "ann"), h.begin(t, "bob")
	if h.enters(t, ann, true, "").Flashed {
		t.Error("a new session has a message")
	}
	for _, text := range []string{"Approved.", `<b>"{ä},`, ""} {
		h.flash(t, ann, text)
	}
	// What else is written to the session touches no message.
	if err := h.KeepSession(t.Context(), ann, `{"c":"d"}`); err != nil {
		t.Fatal(err)
	}
	if !h.enters(t, ann, false, "").Flashed || h.enters(t, bob, false, "").Flashed {
		t.Error("a session does not tell of its messages, or tells of another's")
	}
	if got := h.flashes(t, bob); got != nil {
		t.Errorf("another session has %v", got)
	}
	if diff := cmp.Diff([]string{"Approved.", `<b>"{ä},`, ""}, h.flashes(t, ann)); diff != "" {
		t.Error(diff)
	}
	if got := h.flashes(t, ann); got != nil || h.enters(t, ann, true, "").Flashed {
		t.Errorf("taken twice: %v", got)
	}
	for i := range 50 {
		h.flash(t, ann, strconv.Itoa(i))
	}
	if got := h.flashes(t, ann); len(got) != 20 || got[19] != "19" {
		t.Errorf("%v", got)
	}
}

func TestFlashWithoutASession(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ended := h.begin(t, "ann")
	if err := h.EndSession(t.Context(), ended); err != nil {
		t.Fatal(err)
	}
	login, err := h.BeginLogin(t.Context(), "{}")
	if err != nil {
		t.Fatal(err)
	}
	for _, token := range []access.Token{ended, login, "", "x", access.Token(strings.Repeat("A", 43))} {
		h.flash(t, token, "Nobody reads this.")
		if got := h.flashes(t, token); got != nil {
			t.Errorf("%v", got)
		}
	}
}

// TestFlashesBesideEachOther adds and takes at the same time: each message is shown once.
func TestFlashesBesideEachOther(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	token := h.begin(t, "ann")
	var wg sync.WaitGroup
	var mu sync.Mutex
	var want, shown []string
	for writer := range 3 {
		for i := range 6 { // no more than wait for a page
			want = append(want, fmt.Sprintf("%d-%d", writer, i))
		}
		wg.Go(func() {
			for i := range 6 {
				h.flash(t, token, fmt.Sprintf("%d-%d", writer, i))
			}
		})
		wg.Go(func() {
			for range 6 {
				got := h.flashes(t, token)
				mu.Lock()
				shown = append(shown, got...)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	shown = append(shown, h.flashes(t, token)...)
	slices.Sort(shown)
	if diff := cmp.Diff(want, shown); diff != "" {
		t.Error(diff)
	}
}
