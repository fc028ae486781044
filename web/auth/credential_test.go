package auth_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/web/auth"
)

func TestCredential(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		authorization, key []string
		want               string
	}{
		"key":               {nil, []string{"hs_1_a"}, "hs_1_a"},
		"bearer":            {[]string{"Bearer hs_1_a"}, nil, "hs_1_a"},
		"lower case":        {[]string{"bearer  hs_1_a"}, nil, "hs_1_a"},
		"both the same":     {[]string{"Bearer hs_1_a"}, []string{"hs_1_a"}, "hs_1_a"},
		"none":              {nil, nil, ""},
		"both, different":   {[]string{"Bearer hs_1_a"}, []string{"hs_1_b"}, ""},
		"two":               {[]string{"Bearer hs_1_a", "Bearer hs_1_a"}, nil, ""},
		"two keys":          {nil, []string{"hs_1_a", "hs_1_a"}, ""},
		"two, then a key":   {[]string{"Bearer hs_1_a", "Bearer hs_1_b"}, []string{"hs_1_a"}, ""},
		"basic":             {[]string{"Basic aHM6MQ=="}, nil, ""},
		"basic and a key":   {[]string{"Basic aHM6MQ=="}, []string{"hs_1_a"}, ""},
		"scheme alone":      {[]string{"Bearer"}, nil, ""},
		"no scheme":         {[]string{"hs_1_a"}, nil, ""},
		"empty":             {[]string{""}, nil, ""},
		"empty key":         {nil, []string{""}, ""},
		"empty both":        {[]string{""}, []string{""}, ""},
		"empty, then a key": {[]string{""}, []string{"hs_1_a"}, ""},
		"space within":      {[]string{"Bearer hs_1 a"}, nil, ""},
		"not ASCII":         {nil, []string{"hs_ä"}, ""},
		"control character": {nil, []string{"hs_1\x01"}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := http.Header{}
			for _, v := range test.authorization {
				h.Add("Authorization", v)
			}
			for _, v := range test.key {
				h.Add("X-API-Key", v)
			}
			got, err := auth.Credential(h)
			var e *models.Error
			if refused := errors.As(err, &e) && e.Code == models.CodeUnauthenticated; refused != (test.want == "") {
				t.Fatalf("%q, %v; want %q", got, err, test.want)
			}
			if err == nil && got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}
