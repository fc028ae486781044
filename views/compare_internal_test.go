package views

import (
	"strings"
	"testing"

	"github.com/hotswap/hotswap/models"
)

// shown is a side as text: what is marked stands in brackets.
func shown(lines []sideLine) string {
	var out strings.Builder
	for i, l := range lines {
		if i > 0 {
			out.WriteByte('\n')
		}
		for _, p := range l.parts {
			if p.marked {
				out.WriteString("[" + p.text + "]")
			} else {
				out.WriteString(p.text)
			}
		}
	}
	return out.String()
}

func TestSides(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		from, to    models.Value
		left, right string
	}{
		"numbers as a whole": {`12.5`, `15`, `[12.5]`, `[15]`},
		"a word":             {`"https://staging.example"`, `"https://app.example"`, `"https://[staging].example"`, `"https://[app].example"`},
		"a member":           {`{"a":1,"b":true}`, `{"a":2,"b":true}`, "{\n  \"a\": [1],\n  \"b\": true\n}", "{\n  \"a\": [2],\n  \"b\": true\n}"},
		"one more":           {`["a"]`, `["a","b"]`, "[\n  \"a\"\n]", "[\n  \"a\"[,]\n  [\"b\"]\n]"},
		"other kinds":        {`"x"`, `{"a":1}`, `["x"]`, "[{]\n  [\"a\": 1]\n[}]"},
		"far apart": {
			`{"a":1,"b":0,"c":0,"d":0,"e":0,"f":0,"g":0,"h":0,"i":1}`, `{"a":2,"b":0,"c":0,"d":0,"e":0,"f":0,"g":0,"h":0,"i":2}`,
			"{\n  \"a\": [1],\n  \"b\": 0,\n  \"c\": 0,\n… 3 equal\n  \"g\": 0,\n  \"h\": 0,\n  \"i\": [1]\n}",
			"{\n  \"a\": [2],\n  \"b\": 0,\n  \"c\": 0,\n… 3 equal\n  \"g\": 0,\n  \"h\": 0,\n  \"i\": [2]\n}",
		},
		"at the end": {
			`[0,0,0,0,1]`, `[0,0,0,0,2]`, "… 3 equal\n  0,\n  0,\n  [1]\n]", "… 3 equal\n  0,\n  0,\n  [2]\n]",
		},
		"at the beginning": {
			`[1,0,0,0,0]`, `[2,0,0,0,0]`, "[\n  [1],\n  0,\n  0,\n… 3 equal", "[\n  [2],\n  0,\n  0,\n… 3 equal",
		},
	}
	for name, test := range tests {
		left, right := sides(test.from, test.to)
		if shown(left) != test.left || shown(right) != test.right {
			t.Errorf("%s: left\n%s\nright\n%s", name, shown(left), shown(right))
		}
	}
	long := sideAlone(models.Value("[" + strings.Repeat("0,", 19) + "0]"))
	if got := shown(long); !strings.HasSuffix(got, "… 10 more lines") {
		t.Errorf("a long value ends with %s", got)
	}
}

func TestCompareRow(t *testing.T) {
	t.Parallel()
	own := CompareSide{Value: `1`, Layer: "acme", Own: true}
	above := CompareSide{Value: `2`, Layer: "@tier.enterprise"}
	q := CompareQuery{From: "Staging", To: "Production"}
	tests := map[string]struct {
		row   CompareRow
		why   string
		takes bool
		words string
	}{
		"own":            {CompareRow{Status: Differs, From: own, To: above}, "", false, "differs"},
		"only here":      {CompareRow{Status: OnlyFrom, From: own}, "", false, "only in Staging"},
		"inherited":      {CompareRow{Status: Differs, From: above, To: own}, "Set on tier enterprise: promote it there.", false, "differs"},
		"only above":     {CompareRow{Status: OnlyFrom, From: above}, "Set on tier enterprise: promote it there.", false, "only in Staging"},
		"gone":           {CompareRow{Status: OnlyTo, To: own}, "", true, "only in Production"},
		"gone above":     {CompareRow{Status: OnlyTo, To: above}, "Set on tier enterprise in Production only.", false, "only in Production"},
		"nothing to do":  {CompareRow{Status: BothEqual, From: own, To: own}, "Equal: nothing to promote.", false, "equal"},
		"hidden, but so": {CompareRow{Status: Differs, From: CompareSide{Masked: true, Layer: "acme", Own: true}, To: own}, "", false, "differs"},
	}
	for name, test := range tests {
		if got := test.row.Hindrance(q); got != test.why {
			t.Errorf("%s: hindered by %q, want %q", name, got, test.why)
		}
		if test.row.Takes() != test.takes || test.row.words(Comparison{Query: q}) != test.words {
			t.Errorf("%s: takes %v, %q", name, test.row.Takes(), test.row.words(Comparison{Query: q}))
		}
	}
}

func TestComparisonArrange(t *testing.T) {
	t.Parallel()
	own := CompareSide{Value: `1`, Layer: "acme", Own: true}
	rows := []CompareRow{
		{Key: "a", Status: Differs, From: own, To: own},
		{Key: "b", Status: OnlyFrom, From: own},
		{Key: "c", Status: OnlyTo, To: own},
		{Key: "d", Status: BothEqual, From: own, To: own},
		{Key: "e", Status: OnlyFrom, From: CompareSide{Layer: "@platform"}},
	}
	tests := map[string]struct {
		q      CompareQuery
		ticked []string
		may    bool
		rows   int
		want   int
	}{
		"nothing":        {CompareQuery{}, nil, true, 4, 0},
		"equal as well":  {CompareQuery{Equal: true}, nil, true, 5, 0},
		"all":            {CompareQuery{All: true}, nil, true, 4, 2},
		"some":           {CompareQuery{}, []string{"a", "c", "e"}, true, 4, 2},
		"one that is no": {CompareQuery{}, []string{"d"}, true, 5, 0},
		"read only":      {CompareQuery{All: true}, []string{"a"}, false, 4, 0},
	}
	for name, test := range tests {
		c := Comparison{Query: test.q, MayPromote: test.may}
		c.Arrange(rows, test.ticked)
		if len(c.Rows) != test.rows || c.Ticked() != test.want || c.Promotable() != 2 {
			t.Errorf("%s: %d rows, %d ticked, %d promotable", name, len(c.Rows), c.Ticked(), c.Promotable())
		}
		if c.Counts != (CompareCounts{Changed: 1, OnlyFrom: 2, OnlyTo: 1, Equal: 1}) {
			t.Errorf("%s: %+v", name, c.Counts)
		}
	}
}

func TestComparisonAllow(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		from, to string
		may      bool
		promotes bool
		says     string
	}{
		"later":   {"QA", "Production", true, true, ""},
		"earlier": {"Production", "QA", true, false, "later environment only"},
		"same":    {"QA", "QA", true, false, ""},
		"no way":  {"QA", "Production", false, false, "the right to change"},
	}
	for name, test := range tests {
		c := Comparison{Environments: []string{"QA", "Production"}, Query: CompareQuery{From: test.from, To: test.to}}
		c.Settle()
		c.Allow(test.may)
		if c.MayPromote != test.promotes || !strings.Contains(c.ReadOnly, test.says) || test.says == "" && c.ReadOnly != "" {
			t.Errorf("%s: %v %q", name, c.MayPromote, c.ReadOnly)
		}
	}
	for to, want := range map[string]string{"": "QA", "QA": "Development", "Development": "Development"} {
		c := Comparison{Environments: []string{"Development", "QA", "Production"}, Query: CompareQuery{To: to}}
		if c.Settle(); c.Query.From != want {
			t.Errorf("to %q comes from %q, want %q", to, c.Query.From, want)
		}
	}
	(&Comparison{}).Settle() // nobody's environments
}

func TestComparisonComplain(t *testing.T) {
	t.Parallel()
	c := Comparison{Rows: []CompareRow{{Key: "a"}, {Key: "b"}}}
	c.Complain([]string{"b", "gone"}, map[string]string{
		"/keys/0/value": "too large", "/keys/1": "not here", "/keys/99999999999999999999": "far", "/reason": "too long",
	})
	if got := strings.Join(c.Rows[1].Problems, ";"); got != "too large" || c.Rows[0].Problems != nil {
		t.Errorf("rows: %+v", c.Rows)
	}
	if got := strings.Join(c.Problems, ";"); got != "not here;far;too long;Nothing was promoted: see what is said at 1 key below." {
		t.Errorf("problems: %s", got)
	}
}

func TestComparisonSummary(t *testing.T) {
	t.Parallel()
	tests := map[string]CompareCounts{
		"3 keys, all equal": {Equal: 3},
		"1 key differs":     {Changed: 1, Equal: 3},
		"4 keys differ: 2 with another value, 1 only in QA and 1 only in Production": {Changed: 2, OnlyFrom: 1, OnlyTo: 1},
		"1 key differs: 1 only in Production":                                        {OnlyTo: 1},
	}
	for want, counts := range tests {
		c := Comparison{Query: CompareQuery{From: "QA", To: "Production"}, Counts: counts}
		if got := c.Summary(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
