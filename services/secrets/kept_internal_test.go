package secrets

import "testing"

// What an earlier run kept serves only once the database was asked for it, and never in place of what is known.
func TestKeptRowsAreDoubted(t *testing.T) {
	t.Parallel()
	var k keeper
	k.keep("known", wrapped{Version: 2})
	for tenantID, want := range map[string]bool{"known": false, "same": true, "rotated": true, "shredded": true} {
		if k.add(tenantID, wrapped{Version: 1}, true) != want {
			t.Errorf("%s: taken, or not", tenantID)
		}
		if _, ok := k.find(tenantID); ok != !want {
			t.Errorf("%s serves before anybody was asked: %v", tenantID, ok)
		}
	}
	for tenantID, stored := range map[string]int64{"same": 1, "rotated": 2, "shredded": 0} {
		k.trust(tenantID, stored)
	}
	for tenantID, want := range map[string]bool{"known": true, "same": true, "rotated": false, "shredded": false} {
		if _, ok := k.find(tenantID); ok != want {
			t.Errorf("%s serves: %v, want %v", tenantID, ok, want)
		}
	}
	if row, _ := k.find("known"); row.Version != 2 {
		t.Error("what was known gave way")
	}
	if k.add("shredded", wrapped{Version: 1}, false) {
		t.Error("a row that is doubted was taken again")
	}
}
