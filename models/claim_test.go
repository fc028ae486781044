package models_test

import (
	"strings"
	"testing"

	"github.com/hotswap/hotswap/models"
)

func TestValidClaimKey(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]bool{
		"a": true, "3f0c-~!": true, strings.Repeat("k", 255): true,
		"": false, strings.Repeat("k", 256): false, "two words": false, "tab\t": false, "é": false, "\x7f": false,
	} {
		if models.ValidClaimKey(key) != want {
			t.Errorf("%q is valid: %t, want %t", key, !want, want)
		}
	}
}

func TestClaimOfAContext(t *testing.T) {
	t.Parallel()
	if models.ClaimFrom(t.Context()) != nil {
		t.Error("a call without a key has a claim")
	}
	claim := &models.Claim{Key: "k"}
	if models.ClaimFrom(models.WithClaim(t.Context(), claim)) != claim {
		t.Error("the claim is lost")
	}
}
