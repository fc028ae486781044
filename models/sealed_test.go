package models_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/hotswap/hotswap/models"
)

func TestSealed(t *testing.T) {
	t.Parallel()
	one := models.Sealed{ID: "8a1b", Commitment: "c0ffee"}
	got, ok := one.Value().Sealed()
	if !ok || got != one || !one.Value().IsSealed() {
		t.Errorf("there and back: %+v, %t", got, ok)
	}
	for _, v := range []models.Value{"", "1", `"sealed:1:2"`, models.Masked, models.Null} {
		if _, ok := v.Sealed(); ok || v.IsSealed() {
			t.Errorf("%q is taken for a sealed value", string(v))
		}
	}
	if _, err := models.ParseValue([]byte(one.Value())); err == nil {
		t.Error("a caller can write one")
	}
	if text, err := json.Marshal(one.Value()); err != nil || string(text) != string(models.Masked) {
		t.Errorf("as JSON: %s, %v", text, err)
	}
}

func TestSame(t *testing.T) {
	t.Parallel()
	sealed := func(id, commitment string) models.Value { return models.Sealed{ID: id, Commitment: commitment}.Value() }
	for _, tt := range []struct {
		a, b models.Value
		want bool
	}{
		{"1", "1", true},
		{"1", "2", false},
		{"", "", true},
		{"", models.Null, false},
		{sealed("1", "c"), sealed("2", "c"), true},
		{sealed("1", "c"), sealed("1", "d"), false},
		{sealed("1", "c"), models.Masked, false},
		{sealed("1", "c"), `"hmac:c"`, false},
	} {
		if models.Same(tt.a, tt.b) != tt.want || models.Same(tt.b, tt.a) != tt.want {
			t.Errorf("%q and %q", string(tt.a), string(tt.b))
		}
	}
}

// A digest tells secrets apart, and holds neither them nor where they are kept.
func TestDigestOfSecrets(t *testing.T) {
	t.Parallel()
	digest := func(v models.Value) string {
		c := change(models.Item{Key: "pin", Op: models.OpSet, Value: v, Clear: models.NewSecret(`"clear"`), Sensitive: true})
		d, err := c.ComputeDigest()
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	sealed := func(id, commitment string) models.Value { return models.Sealed{ID: id, Commitment: commitment}.Value() }
	if digest(sealed("1", "c")) != digest(sealed("2", "c")) {
		t.Error("the same secret under another id is another digest")
	}
	if digest(sealed("1", "c")) == digest(sealed("1", "d")) {
		t.Error("another secret is the same digest")
	}
}

// Each part of an item that an approver signs is in the digest.
func TestDigestOfItems(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for name, edit := range map[string]func(*models.Item){
		"as it is":    func(*models.Item) {},
		"lock":        func(i *models.Item) { i.Op = models.OpLock },
		"locked":      func(i *models.Item) { i.Locked = new(true) },
		"not locked":  func(i *models.Item) { i.Locked = new(false) },
		"base":        func(i *models.Item) { i.BaseVersion = 1 },
		"definition":  func(i *models.Item) { i.Definition = 1 },
		"type":        func(i *models.Item) { i.Defines = &models.Defines{Type: models.TypeNumber} },
		"schema":      func(i *models.Item) { i.Defines = &models.Defines{Type: models.TypeNumber, Schema: `{"minimum":1}`} },
		"sensitive":   func(i *models.Item) { i.Defines = &models.Defines{Type: models.TypeNumber, Sensitive: true} },
		"merge":       func(i *models.Item) { i.Defines = &models.Defines{Type: models.TypeNumber, Merge: models.MergeDeep} },
		"tags":        func(i *models.Item) { i.Defines = &models.Defines{Type: models.TypeNumber, Tags: "a"} },
		"owner":       func(i *models.Item) { i.Defines = &models.Defines{Type: models.TypeNumber, Owner: "a"} },
		"expiry":      func(i *models.Item) { i.Defines = &models.Defines{Type: models.TypeNumber, ExpiresAt: &noon} },
		"other value": func(i *models.Item) { i.Value = "2" },
	} {
		c := change(models.Item{Key: "k", Op: models.OpSet, Value: "1"})
		edit(&c.Items[0])
		d, err := c.ComputeDigest()
		if err != nil {
			t.Fatal(err)
		}
		if seen[d] != "" {
			t.Errorf("%s and %s have one digest", name, seen[d])
		}
		seen[d] = name
	}
}

// However a secret is printed, logged or encoded, alone or inside something, it is not there.
func TestSecretHasNoForm(t *testing.T) {
	t.Parallel()
	const canary = "s3cret-canary"
	type hidden struct{ s models.Secret }
	s := models.NewSecret(models.Text(canary))
	item := models.Item{Key: "k", Clear: s}
	var out strings.Builder
	for _, verb := range []string{"%s", "%v", "%+v", "%#v", "%q", "%x", "%X", "%d", "%T", "%10s", "%p"} {
		for _, v := range []any{s, &s, item, &item, []models.Secret{s}, map[string]models.Secret{"k": s}, struct{ S models.Secret }{s}, hidden{s}, &hidden{s}, []hidden{{s}}} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
	}
	fmt.Fprint(&out, s, item)
	fmt.Fprintln(&out, s)
	for _, v := range []any{s, &s, item, map[string]any{"k": s}, map[models.Secret]int{s: 1}} {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(text)
	}
	var logged bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&logged, nil), slog.NewJSONHandler(&logged, nil)} {
		slog.New(h).Info("told", "secret", s, "item", item, "pointer", &s, slog.Group("in", "secret", s))
	}
	out.WriteString(logged.String())
	for _, form := range []string{canary, "s3cret", fmt.Sprintf("%x", canary), fmt.Sprintf("%X", canary), strings.Trim(fmt.Sprintf("%d", []byte(canary)), "[]")} {
		if strings.Contains(out.String(), form) {
			t.Errorf("%q is printed: %s", form, out.String())
		}
	}
	if s.Reveal() != models.Text(canary) || !strings.Contains(out.String(), s.String()) {
		t.Error("it is lost, or nothing was printed")
	}
}
