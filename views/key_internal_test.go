package views

import (
	"slices"
	"testing"

	"github.com/hotswap/hotswap/models"
)

func TestNextPromotion(t *testing.T) {
	t.Parallel()
	at := func(environment string, own bool, value models.Value) KeyPlace {
		return KeyPlace{Environment: environment, Set: value != "", Own: own && value != "", Value: value, AsSet: value, MayEdit: true}
	}
	locked := at("QA", true, `2`)
	locked.MayEdit = false
	hidden := KeyPlace{Set: true, Own: true, Value: models.Masked, Masked: true, MayEdit: true}
	tests := map[string]struct {
		from, to KeyPlace
		offered  bool
		takes    bool
	}{
		"another value":          {at("Development", true, `1`), at("QA", true, `2`), true, false},
		"no value yet":           {at("Development", true, `1`), at("QA", true, ``), true, false},
		"inherited there":        {at("Development", true, `1`), at("QA", false, `1`), true, false},
		"the same":               {at("Development", true, `1`), at("QA", true, `1`), false, false},
		"hidden, perhaps equal":  {hidden, hidden, true, false},
		"inherited here":         {at("Development", false, `1`), at("QA", true, `2`), false, false},
		"nothing here, own":      {at("Development", true, ``), at("QA", true, `2`), true, true},
		"nothing here or there":  {at("Development", true, ``), at("QA", true, ``), false, false},
		"nothing here, from top": {at("Development", true, ``), at("QA", false, `2`), false, false},
		"no right there":         {at("Development", true, `1`), locked, false, false},
	}
	for name, test := range tests {
		got := nextPromotion(test.from, test.to)
		if (got != nil) != test.offered || got != nil && got.Takes != test.takes {
			t.Errorf("%s: %+v", name, got)
		}
	}
	k := Key{Places: []KeyPlace{at("Development", true, `1`), at("QA", true, `2`)}}
	k.Arrange()
	if p := k.Places[0].Promotion; p == nil || p.From != "Development" || p.To != "QA" || k.Places[1].Promotion != nil {
		t.Errorf("places: %+v", k.Places)
	}
	hides := at("QA", true, `2`)
	hides.Hides = []HiddenValue{{Layer: "@platform"}, {Layer: "@tier.enterprise"}}
	if p := nextPromotion(at("Development", true, ``), hides); p.Then() == nil || p.Then().Layer != "@tier.enterprise" {
		t.Errorf("what shows through: %+v", p.Then())
	}
	if p := nextPromotion(at("Development", true, `1`), hides); p.Then() != nil {
		t.Errorf("something shows through a value: %+v", p.Then())
	}
	(&Key{}).Arrange() // nobody's environments
}

func TestKeyDiffers(t *testing.T) {
	t.Parallel()
	k := Key{Places: []KeyPlace{
		{Environment: "Development", Set: true, Value: `1`},
		{Environment: "QA", Set: true, Value: `1`},
		{Environment: "Staging"},
		{Environment: "Production", Set: true, Masked: true, Value: models.Masked},
	}}
	for i, want := range []string{"", "", "QA", ""} {
		if got := k.Differs(i); got != want {
			t.Errorf("place %d differs from %q, want %q", i, got, want)
		}
	}
}

func TestKeyHistoryLinks(t *testing.T) {
	t.Parallel()
	h := KeyHistory{
		Page: "/tenants/acme/keys/limit", Query: KeyQuery{Environment: "QA"},
		Place:    KeyPlace{Set: true, Own: true, Value: `3`, AsSet: `3`, Version: 3, MayEdit: true},
		Versions: []models.Version{{Number: 3, Value: `3`}, {Number: 2, Value: `2`}, {Number: 1, Value: `3`}},
	}
	for i, want := range []string{"", "/tenants/acme/keys/limit?back=2&environment=QA", ""} {
		if got := h.BackURL(h.Versions[i]); got != want {
			t.Errorf("version %d is put back at %q, want %q", h.Versions[i].Number, got, want)
		}
	}
	if from, to := h.picked(); from != 2 || to != 3 {
		t.Errorf("picked %d and %d", from, to)
	}
	h.Place.Set, h.Place.Own = false, false // deleted: any version can come back
	if h.BackURL(h.Versions[0]) == "" || h.LiveVersion() != 0 {
		t.Error("a deleted value cannot be put back")
	}
	h.Place = KeyPlace{Set: true, Own: true, Masked: true, Value: models.Masked, AsSet: models.Masked, Version: 3, MayEdit: true}
	for n, want := range map[int64]bool{3: false, 2: true} { // of a secret only the live version is known to be live
		if got := h.BackURL(models.Version{Number: n, Masked: true, Value: models.Masked}); (got != "") != want {
			t.Errorf("version %d of a secret is put back at %q", n, got)
		}
	}
	h.Place.MayEdit = false
	if h.BackURL(h.Versions[1]) != "" {
		t.Error("somebody without the right can put back")
	}
	h.Next, h.Query.Cursor = "n", "c"
	if h.NextURL() != "/tenants/acme/keys/limit?cursor=n&environment=QA" || h.FirstURL() != "/tenants/acme/keys/limit?environment=QA" {
		t.Errorf("pages %q %q", h.NextURL(), h.FirstURL())
	}
}

func TestPatchText(t *testing.T) {
	t.Parallel()
	got := patchText([]PatchOperation{{"replace", "/a\"b", `1.50`}, {"remove", "/c", ""}})
	want := "[\n  {\"op\": \"replace\", \"path\": \"/a\\\"b\", \"value\": 1.50},\n  {\"op\": \"remove\", \"path\": \"/c\"}\n]"
	if got != want {
		t.Errorf("%s", got)
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	got := Problems(map[string]string{"/to": "b", "/from": "a", "/keys": "a"})
	if !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("%v", got)
	}
	if Problems(nil) != nil {
		t.Error("problems of nothing")
	}
}
