package snapshots

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/klauspost/compress/s2"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/configs"
)

// filled puts something into every field, so that one that is forgotten by the encoding shows.
func filled[T any](t testing.TB, n int) (out T) {
	t.Helper()
	v := reflect.ValueOf(&out).Elem()
	for i := range v.NumField() {
		switch f := v.Field(i); f.Interface().(type) {
		case time.Time:
			f.Set(reflect.ValueOf(time.Date(2026, 7, 1, 12, 0, n, 123_456_000, time.UTC)))
		case []byte:
			f.SetBytes([]byte{0, 1, byte(n), 255})
		default:
			fill(t, f, v.Type().Field(i).Name, n)
		}
	}
	return out
}

func fill(t testing.TB, f reflect.Value, name string, n int) {
	t.Helper()
	switch f.Kind() {
	case reflect.String:
		f.SetString(fmt.Sprintf("%s-%03d ä\x00", name, n))
	case reflect.Int64:
		f.SetInt(int64(n) - 5)
	case reflect.Bool:
		f.SetBool(true)
	default:
		t.Fatalf("the encoding knows no field like %s: teach it, and raise setFormat", name)
	}
}

func exampleSet(t testing.TB, keys int) *configs.LayerSet {
	t.Helper()
	entries, kinds := make([]configs.Entry, keys), map[string]configs.Kind{}
	for i := range entries {
		entries[i] = filled[configs.Entry](t, i)
		kinds[fmt.Sprint("kind", i)] = filled[configs.Kind](t, i)
	}
	set := configs.NewLayerSet(filled[models.Head](t, 9), entries, kinds)
	for n := range min(keys, 2) {
		set.Overlays = append(set.Overlays, &configs.Overlay{
			DeploymentID: fmt.Sprint("deployment-", n), Salt: "salt", Unit: models.UnitInstance,
			Set: []configs.Entry{filled[configs.Entry](t, n), filled[configs.Entry](t, n+1)}, Unset: []string{"gone", "gone too"},
		})
	}
	return set
}

func TestSetsComeBackWhole(t *testing.T) {
	t.Parallel()
	for _, keys := range []int{0, 1, 7, 300} {
		want := exampleSet(t, keys)
		if keys > 0 {
			plain := filled[configs.Entry](t, keys)
			plain.Sealed, plain.Locked, plain.LiveFrom = nil, false, time.Time{}
			overlays := want.Overlays
			want = configs.NewLayerSet(want.Head, append(entriesOf(want), plain), map[string]configs.Kind{"": {}, "k": {Sensitive: true}})
			want.Overlays = overlays
		}
		got, err := decodeSet(encodeSet(want))
		if err != nil {
			t.Fatalf("%d keys: %v", keys, err)
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(configs.LayerSet{})); diff != "" {
			t.Errorf("%d keys:\n%s", keys, diff)
		}
		if diff := cmp.Diff(configs.Resolve([]*configs.LayerSet{want}), configs.Resolve([]*configs.LayerSet{got})); diff != "" {
			t.Errorf("%d keys resolve to:\n%s", keys, diff)
		}
	}
}

func entriesOf(s *configs.LayerSet) (out []configs.Entry) {
	for _, e := range s.Entries {
		out = append(out, *e)
	}
	return out
}

func TestNothingElseIsASet(t *testing.T) {
	t.Parallel()
	plain, err := s2.Decode(nil, encodeSet(exampleSet(t, 3))[1:])
	if err != nil {
		t.Fatal(err)
	}
	pack := func(plain []byte) []byte { return append([]byte{setFormat}, s2.Encode(nil, plain)...) }
	if _, err := decodeSet(pack(plain)); err != nil {
		t.Fatal(err)
	}
	for n := range plain {
		if _, err := decodeSet(pack(plain[:n])); err == nil {
			t.Fatalf("the first %d bytes were taken", n)
		}
	}
	twice := exampleSet(t, 2)
	one := entriesOf(twice)[0]
	double := append(appendEntry(nil, &one), appendEntry(nil, &one)...)
	for name, raw := range map[string][]byte{
		"nothing": nil, "no format": {}, "another format": append([]byte{setFormat + 1}, pack(plain)[1:]...), "more": pack(append(slices.Clip(plain), 0)),
		"too much":  pack(make([]byte, maxSetBytes+1)),
		"one twice": pack(append(append([]byte{0, 0, 0, 0, 2}, double...), 0, 0)),
	} {
		if _, err := decodeSet(raw); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	if _, err := decodeSet(pack(append(append([]byte{0, 0, 0, 0, 1}, double[:len(double)/2]...), 0, 0))); err != nil {
		t.Errorf("once: %v", err)
	}
}

func FuzzDecodeSet(f *testing.F) {
	f.Add(encodeSet(exampleSet(f, 2))[1:])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, packed []byte) {
		for _, raw := range [][]byte{packed, s2.Encode(nil, packed)} {
			set, err := decodeSet(append([]byte{setFormat}, raw...))
			if err != nil {
				continue
			}
			again, err := decodeSet(encodeSet(set))
			if err != nil || !cmp.Equal(set, again, cmpopts.IgnoreUnexported(configs.LayerSet{})) {
				t.Errorf("what was taken does not come back: %v", err)
			}
		}
	})
}

// realistic is a set as applications have them.
func realistic(keys int) *configs.LayerSet {
	r := rand.New(rand.NewPCG(1, 2))
	id := func() string {
		return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", r.Uint32(), r.IntN(1<<16), r.IntN(1<<12), r.IntN(1<<12), r.Int64N(1<<48))
	}
	entries, kinds := make([]configs.Entry, keys), map[string]configs.Kind{}
	change, author := id(), "person:"+id()
	for i := range entries {
		entries[i] = configs.Entry{
			Key: fmt.Sprintf("checkout.payment.option-%d", i), Value: models.Value(fmt.Sprintf(`{"enabled":true,"limit":%d,"name":"option %d"}`, r.IntN(1000), i)),
			Version: int64(r.IntN(20)), ConfigID: id(), ChangeID: change, Author: author, LiveFrom: time.UnixMicro(1_780_000_000_000_000 + r.Int64N(1e12)).UTC(),
		}
		kinds[entries[i].Key] = configs.Kind{Type: models.TypeJSON, Merge: models.MergeReplace}
	}
	return configs.NewLayerSet(models.Head{TenantID: "acme", Environment: "Production", Revision: 9, Token: id()}, entries, kinds)
}

func BenchmarkEncodeSet(b *testing.B) {
	set := realistic(100)
	for b.Loop() {
		encodeSet(set)
	}
	b.ReportMetric(float64(len(encodeSet(set))), "packed-bytes")
}

func BenchmarkDecodeSet(b *testing.B) {
	raw := encodeSet(realistic(100))
	for b.Loop() {
		if _, err := decodeSet(raw); err != nil {
			b.Fatal(err)
		}
	}
	plain, _ := s2.DecodedLen(raw[1:])
	b.ReportMetric(float64(plain), "plain-bytes")
}
