package wire_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/web/wire"
)

func TestRawJSON(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		body    string
		want    models.Value
		code    models.Code
		pointer string
	}{
		"exact":      {`{"value":9007199254740993}`, "9007199254740993", "", ""},
		"canonical":  {`{"value":{"b":1.0,"a":"\u003c"}}`, `{"a":"<","b":1}`, "", ""},
		"null":       {`{"value":null}`, "null", "", ""},
		"absent":     {`{}`, "", models.CodeInvalid, "/items/3/value"},
		"over range": {`{"value":[1e400]}`, "", models.CodeInvalid, "/items/3/value/0"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var in struct {
				Value wire.RawJSON `json:"value"`
			}
			if err := json.Unmarshal([]byte(test.body), &in); err != nil {
				t.Fatal(err)
			}
			got, err := in.Value.Value("/items/3/value")
			if got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
			var e *models.Error
			if errors.As(err, &e); (e == nil) != (test.code == "") {
				t.Fatalf("%v", err)
			}
			if e != nil && (e.Code != test.code || e.Fields[0].Pointer != test.pointer) {
				t.Errorf("%s at %+v", e.Code, e.Fields)
			}
		})
	}
}

func TestRawJSONIsWrittenAsItIs(t *testing.T) {
	t.Parallel()
	got, err := json.Marshal([]wire.RawJSON{wire.Raw(`{"a":1.10}`), nil})
	if err != nil || string(got) != `[{"a":1.10},null]` {
		t.Errorf("%s, %v", got, err)
	}
}
