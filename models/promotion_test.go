package models_test

import (
	"testing"

	"github.com/hotswap/hotswap/models"
)

func TestItemPromote(t *testing.T) {
	t.Parallel()
	there := models.Live{Version: 3, Value: "2"}
	none := int64(0)
	looked := models.Seen{From: &none}
	for name, tt := range map[string]struct {
		from  models.Origin
		there models.Live
		seen  models.Seen
		op    models.Op
		value models.Value
		want  models.Code
	}{
		"own value":                  {models.Origin{Own: "1"}, there, models.Seen{}, models.OpSet, "1", ""},
		"own value, none there":      {models.Origin{Own: "1"}, models.Live{}, models.Seen{}, models.OpSet, "1", ""},
		"own value over inherited":   {models.Origin{Own: "1", Inherited: true}, there, models.Seen{}, models.OpSet, "1", ""},
		"a null is a value":          {models.Origin{Own: models.Null}, there, models.Seen{}, models.OpSet, models.Null, ""},
		"nothing, nobody looked":     {models.Origin{}, there, models.Seen{}, "", "", models.CodeInvalid},
		"nothing, a value there":     {models.Origin{}, there, looked, models.OpDelete, "", ""},
		"nothing, deleted there":     {models.Origin{}, models.Live{Last: 3}, models.Seen{}, "", "", models.CodeInvalid},
		"nothing anywhere":           {models.Origin{}, models.Live{}, models.Seen{}, "", "", models.CodeInvalid},
		"inherited":                  {models.Origin{Inherited: true}, models.Live{}, models.Seen{}, "", "", models.CodeInvalid},
		"inherited, own value there": {models.Origin{Inherited: true}, there, models.Seen{}, "", "", models.CodeInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := models.Item{Key: "k", Op: models.OpSet, Value: models.Null, Defines: &models.Defines{}}
			err := models.InvalidFields(i.Promote(tt.from, "QA", tt.there, tt.seen, "/keys/0"))
			if got := codeOf(err); got != tt.want {
				t.Fatalf("got %q (%v), want %q", got, err, tt.want)
			}
			if err != nil {
				return
			}
			if i.Op != tt.op || i.Value != tt.value || (i.Op == models.OpDelete) != (i.Defines == nil) {
				t.Errorf("%+v", i)
			}
		})
	}
}

func TestItemMoved(t *testing.T) {
	t.Parallel()
	version := func(n int64) *int64 { return &n }
	from, there := models.Origin{Own: "1", Version: 2}, models.Live{Version: 3, Last: 3}
	for name, tt := range map[string]struct {
		seen  models.Seen
		from  models.Origin
		there models.Live
		moved bool
	}{
		"nobody looked":      {models.Seen{}, from, there, false},
		"both as seen":       {models.Seen{From: version(2), To: version(3)}, from, there, false},
		"another there":      {models.Seen{From: version(2), To: version(2)}, from, there, true},
		"another here":       {models.Seen{From: version(1), To: version(3)}, from, there, true},
		"only here was seen": {models.Seen{From: version(1)}, from, there, true},
		"a value appeared":   {models.Seen{From: version(0)}, from, there, true},
		"a value is gone":    {models.Seen{From: version(2), To: version(3)}, models.Origin{}, there, true},
		"deleted as seen":    {models.Seen{From: version(2), To: version(0)}, from, models.Live{Last: 3}, false},
	} {
		i := models.Item{Key: "k"}
		if bad := i.Moved(tt.seen, tt.from, tt.there, "/keys/0"); (len(bad) > 0) != tt.moved {
			t.Errorf("%s: %v", name, bad)
		}
	}
}
