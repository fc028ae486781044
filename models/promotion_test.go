package models_test

import (
	"testing"

	"github.com/hotswap/hotswap/models"
)

func TestItemPromote(t *testing.T) {
	t.Parallel()
	there := models.Live{Version: 3, Value: "2"}
	for name, tt := range map[string]struct {
		from  models.Origin
		there models.Live
		op    models.Op
		value models.Value
		want  models.Code
	}{
		"own value":                  {models.Origin{Own: "1"}, there, models.OpSet, "1", ""},
		"own value, none there":      {models.Origin{Own: "1"}, models.Live{}, models.OpSet, "1", ""},
		"own value over inherited":   {models.Origin{Own: "1", Inherited: true}, there, models.OpSet, "1", ""},
		"a null is a value":          {models.Origin{Own: models.Null}, there, models.OpSet, models.Null, ""},
		"nothing, a value there":     {models.Origin{}, there, models.OpDelete, "", ""},
		"nothing, deleted there":     {models.Origin{}, models.Live{Last: 3}, "", "", models.CodeInvalid},
		"nothing anywhere":           {models.Origin{}, models.Live{}, "", "", models.CodeInvalid},
		"inherited":                  {models.Origin{Inherited: true}, models.Live{}, "", "", models.CodeInvalid},
		"inherited, own value there": {models.Origin{Inherited: true}, there, "", "", models.CodeInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := models.Item{Key: "k", Op: models.OpSet, Value: models.Null, Defines: &models.Defines{}}
			err := models.InvalidFields(i.Promote(tt.from, "QA", tt.there, "/keys/0"))
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
