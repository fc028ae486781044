package models_test

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/hotswap/hotswap/models"
)

// The patterns of the API contract.
var (
	keyPattern         = regexp.MustCompile(`^[a-z0-9]([a-z0-9._-]{0,126}[a-z0-9])?$`)
	environmentPattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,31}$`)
)

func TestValidKey(t *testing.T) {
	t.Parallel()
	a := strings.Repeat("a", 128)
	for key, want := range map[string]bool{
		"a": true, "0": true, "db.pool-size_max": true, "a..b": true, "aa": true, a: true,
		"": false, a + "a": false, ".a": false, "a.": false, "-": false, "a_": false, "A": false, "a b": false,
		"a/b": false, "é": false, "a\n": false, "a\x00b": false, "aéb": false,
	} {
		if got := models.ValidKey(key); got != want {
			t.Errorf("ValidKey(%q) = %v", key, got)
		}
	}
}

func TestValidEnvironmentName(t *testing.T) {
	t.Parallel()
	a := strings.Repeat("A", 32)
	for name, want := range map[string]bool{
		"Production": true, "QA": true, "eu-1": true, "a": true, "Z-": true, a: true, "keys1": true,
		"": false, a + "A": false, "1a": false, "-a": false, "a.b": false, "a_b": false, "É": false, "a\n": false, "@": false, "a[": false,
		"keys": false, "Keys": false, "roles": false, "ROLES": false,
	} {
		if got := models.ValidEnvironmentName(name); got != want {
			t.Errorf("ValidEnvironmentName(%q) = %v", name, got)
		}
	}
}

func TestNamesFollowTheirPatterns(t *testing.T) {
	t.Parallel()
	names := rapid.OneOf(
		rapid.String(), rapid.StringMatching(`[a-z0-9._-]{0,4}`), rapid.StringMatching(`[A-Za-z0-9-]{0,33}`),
		rapid.StringMatching(`[a-z0-9][a-z0-9._-]{125,127}[a-z0-9]`), rapid.StringMatching(`[ -~]{1,3}`),
	)
	rapid.Check(t, func(t *rapid.T) {
		name := names.Draw(t, "name")
		if got, want := models.ValidKey(name), keyPattern.MatchString(name); got != want {
			t.Fatalf("ValidKey(%q) = %v", name, got)
		}
		reserved := strings.EqualFold(name, "keys") || strings.EqualFold(name, "roles")
		want := environmentPattern.MatchString(name) && !reserved
		if got := models.ValidEnvironmentName(name); got != want {
			t.Fatalf("ValidEnvironmentName(%q) = %v", name, got)
		}
	})
}

func TestValidText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"": true, "abc": true, "äöü": true, "😀😀😀": true, "a\nb": true,
		"abcd": false, "a\x00": false, "\xff": false, "a\xed\xa0": false,
	} {
		if got := models.ValidText(text, 3); got != want {
			t.Errorf("ValidText(%q, 3) = %v", text, got)
		}
	}
}
