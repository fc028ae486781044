package components_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/views/components"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func draw(t *testing.T, c templ.Component) string {
	t.Helper()
	var out bytes.Buffer
	if err := c.Render(components.WithNow(context.Background(), now), &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestAgo(t *testing.T) {
	t.Parallel()
	tests := map[string]time.Duration{
		"just now": -59 * time.Second, "1 minute ago": -60 * time.Second, "59 minutes ago": -59 * time.Minute,
		"1 hour ago": -119 * time.Minute, "2 days ago": -60 * time.Hour, "1 month ago": -31 * 24 * time.Hour,
		"2 years ago": -800 * 24 * time.Hour, "in a moment": 10 * time.Second, "in 3 hours": 3 * time.Hour,
	}
	for want, d := range tests {
		got := draw(t, components.Ago(now.Add(d)))
		if !strings.Contains(got, ">"+want+"<") || !strings.Contains(got, now.Add(d).Format("2006-01-02 15:04:05 UTC")) {
			t.Errorf("%s is told as %s", d, got)
		}
	}
}

func TestTextSpellsOutWhatHides(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ text, shown, hidden string }{
		"plain":           {"a < b & c", "a &lt; b &amp; c", ""},
		"right to left":   {"a\u202eb", "a", "U+202E"},
		"isolate":         {"\u2066x", "x", "U+2066"},
		"zero width":      {"pay\u200bpal", "pay", "U+200B"},
		"no-break space":  {"a\u00a0b", "a", "U+00A0"},
		"tag character":   {"a\U000E0041", "a", "U+E0041"},
		"variation":       {"a\ufe0f", "a", "U+FE0F"},
		"control":         {"a\u0007", "a", "U+0007"},
		"umlaut is plain": {"Zürich", "Zürich", ""},
	}
	for name, test := range tests {
		got := draw(t, components.Text(test.text))
		if !strings.Contains(got, test.shown) || (test.hidden != "") != strings.Contains(got, "hidden-char") || !strings.Contains(got, test.hidden) {
			t.Errorf("%s: %s", name, got)
		}
		if test.hidden != "" && strings.Contains(got, test.text) {
			t.Errorf("%s: the character is still there", name)
		}
	}
}

func TestDiff(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		from, to        models.Value
		added, removed  int
		shows, notShown []string
	}{
		"number":    {"1", "2", 1, 1, []string{">2<", ">1<"}, nil},
		"new":       {"", `"x"`, 1, 0, []string{"x"}, nil},
		"gone":      {"true", "", 0, 1, []string{"true"}, nil},
		"equal":     {"5", "5", 0, 0, []string{"5"}, nil},
		"one field": {`{"a":1,"b":2,"c":3}`, `{"a":1,"b":20,"c":3}`, 1, 1, []string{"&#34;b&#34;: 20", "&#34;a&#34;: 1"}, nil},
		"long": {
			`[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20]`, `[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,21]`, 1, 1,
			[]string{"21", "17 equal lines"},
			[]string{">  5,<"},
		},
		"big number": {"10000000000000000000000000000000001", "10000000000000000000000000000000002", 1, 1, []string{"0002<", "0001<"}, nil},
		"hidden":     {`"a"`, "\"a\u202e\"", 1, 1, []string{"U+202E"}, []string{"\u202e"}},
	}
	for name, test := range tests {
		got := draw(t, components.Diff(test.from, test.to, false))
		if n := strings.Count(got, `class="added"`); n != test.added {
			t.Errorf("%s: %d lines are added, want %d: %s", name, n, test.added, got)
		}
		if n := strings.Count(got, `class="removed"`); n != test.removed {
			t.Errorf("%s: %d lines are removed, want %d", name, n, test.removed)
		}
		for _, text := range test.shows {
			if !strings.Contains(got, text) {
				t.Errorf("%s does not show %s: %s", name, text, got)
			}
		}
		for _, text := range test.notShown {
			if strings.Contains(got, text) {
				t.Errorf("%s shows %s", name, text)
			}
		}
	}
	if got := draw(t, components.Diff(`"old secret"`, `"new secret"`, true)); strings.Contains(got, "secret") {
		t.Errorf("a masked difference shows %s", got)
	}
}

func TestFieldsTellWhatIsWrong(t *testing.T) {
	t.Parallel()
	got := draw(t, components.Input(components.Field{Name: "key", Label: "Key", Value: `"<b>`, Error: "no such key", Hint: "A key"}))
	for _, want := range []string{
		`for="field-key"`, `id="field-key"`, `aria-invalid="true"`, `aria-describedby="field-key-error field-key-hint"`,
		`value="&#34;&lt;b&gt;"`, "no such key",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is missing: %s", want, got)
		}
	}
	if got := draw(t, components.Area(components.Field{Name: "value", Label: "Value", Value: "a\nb"}, "3")); !strings.Contains(got, ">a\nb</textarea>") {
		t.Errorf("the area holds %s", got)
	}
}
