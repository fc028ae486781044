package wire_test

import (
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/hotswap/hotswap/web/wire"
)

// TestParametersAreThoseOfURL holds the parameters against the standard library's over queries of all that means something.
func TestParametersAreThoseOfURL(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		query := rapid.StringOf(rapid.RuneFrom([]rune("ab=&;+%20fFé\x00"))).Draw(t, "query")
		want, _ := url.ParseQuery(query) // it goes on after what it does not understand
		got := url.Values{}
		for name, value := range wire.Parameters(query) {
			got[name] = append(got[name], value)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%q:\n%s", query, diff)
		}
		for name, values := range want {
			if value, times := wire.Parameter(query, name); value != values[0] || times != len(values) {
				t.Fatalf("%q: %q is %q, %d times", query, name, value, times)
			}
		}
	})
}
