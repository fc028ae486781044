package models_test

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/hotswap/hotswap/models"
)

func TestParsePage(t *testing.T) {
	t.Parallel()
	for limit, want := range map[string]int{"": 50, "1": 1, "50": 50, "200": 200} {
		if got, err := models.ParsePage(limit, "c"); err != nil || got != (models.Page{Limit: want, Cursor: "c"}) {
			t.Errorf("limit %q: %+v, %v", limit, got, err)
		}
	}
	for _, limit := range []string{"0", "-1", "201", "+5", "05", " 5", "5.0", "1e2", "x", "99999999999999999999", "٥"} {
		if got, err := models.ParsePage(limit, ""); problemOf(err) != invalid("/limit") {
			t.Errorf("limit %q: %+v, %v", limit, got, err)
		}
	}
}

func TestNewPage(t *testing.T) {
	t.Parallel()
	for limit, want := range map[int]problem{-1: invalid("/limit"), 0: invalid("/limit"), 1: {}, 200: {}, 201: invalid("/limit")} {
		if _, err := models.NewPage(limit, ""); problemOf(err) != want {
			t.Errorf("limit %d: %v", limit, err)
		}
	}
}

func TestCursorReturnsItsKeys(t *testing.T) {
	t.Parallel()
	text := rapid.String().Filter(func(s string) bool { return !strings.Contains(s, "\x00") })
	rapid.Check(t, func(t *rapid.T) {
		filters := rapid.SliceOfN(rapid.String(), 0, 3).Draw(t, "filters")
		keys := rapid.SliceOfN(text, 0, 3).Draw(t, "keys")
		c := models.NewCursor("changes", filters...)
		cursor := c.Encode(keys...)
		if !regexpBase64URL(cursor) {
			t.Fatalf("%q is not unpadded base64url", cursor)
		}
		got, err := models.NewCursor("changes", filters...).Decode(cursor, len(keys))
		if err != nil || !slices.Equal(got, keys) {
			t.Fatalf("Decode = %q, %v, want %q", got, err, keys)
		}
		if got, err := c.Decode(cursor, len(keys)+1); err == nil {
			t.Fatalf("%q for one key more", got)
		}
		damaged := damage(t, cursor)
		if got, err := c.Decode(damaged, len(keys)); damaged != cursor && err == nil {
			t.Fatalf("damaged %q gave %q", damaged, got)
		}
	})
}

func regexpBase64URL(s string) bool {
	return strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == ""
}

// damage changes, adds or takes one character, but never makes the empty cursor of the first page.
func damage(t *rapid.T, cursor string) string {
	at := rapid.IntRange(1, len(cursor)-1).Draw(t, "at")
	with := rapid.SampledFrom([]string{"", "A", "B", "9", "_", "-", "=", "\n", "+", "é"}).Draw(t, "with")
	return cursor[:at] + with + cursor[at+rapid.IntRange(0, 1).Draw(t, "cut"):]
}

func TestCursorOfAnotherList(t *testing.T) {
	t.Parallel()
	cursor := models.NewCursor("changes", "acme", "QA").Encode("k", "1")
	for name, other := range map[string]models.Cursor{
		"another list":        models.NewCursor("configs", "acme", "QA"),
		"another filter":      models.NewCursor("changes", "globex", "QA"),
		"filters swapped":     models.NewCursor("changes", "QA", "acme"),
		"filters run on":      models.NewCursor("changes", "acmeQA", ""),
		"no filters":          models.NewCursor("changes"),
		"list and filter run": models.NewCursor("changesacme", "QA"),
		"a key as filter":     models.NewCursor("changes", "acme", "QA", "k"),
	} {
		if keys, err := other.Decode(cursor, 2); problemOf(err) != invalid("/cursor") {
			t.Errorf("%s: %q, %v", name, keys, err)
		}
	}
}

func TestCursorThatNobodyIssued(t *testing.T) {
	t.Parallel()
	c := models.NewCursor("changes")
	if keys, err := c.Decode("", 2); keys != nil || err != nil {
		t.Errorf("the first page: %q, %v", keys, err)
	}
	good := c.Encode("k", "1")
	for name, cursor := range map[string]string{
		"padding":         good + "=",
		"line break":      good + "\n",
		"twice":           good + good,
		"no base64":       "!!!!",
		"plain text":      "page2",
		"too short":       "AAAA",
		"only a checksum": base64.RawURLEncoding.EncodeToString(make([]byte, 12)),
		"length too long": base64.RawURLEncoding.EncodeToString(append(make([]byte, 12), 200, 1, 'a')),
		"length cut":      base64.RawURLEncoding.EncodeToString(append(make([]byte, 12), 200)),
		"other checksum":  base64.RawURLEncoding.EncodeToString(append(make([]byte, 12), 1, 'k', 1, '1')),
		"NUL, well made":  c.Encode("k\x00", "1"), // Postgres would refuse it
		"not UTF-8":       c.Encode("k", "\xff"),
	} {
		if keys, err := c.Decode(cursor, 2); problemOf(err) != invalid("/cursor") {
			t.Errorf("%s: %q, %v", name, keys, err)
		}
	}
}

// Walking a list page by page shows every row once, in order.
func TestCut(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		total, limit := rapid.IntRange(0, 30).Draw(t, "total"), rapid.IntRange(1, 10).Draw(t, "limit")
		c := models.NewCursor("numbers")
		key := func(n int) []string { return []string{strconv.Itoa(n)} }
		var seen []int
		for cursor, pages := "", 0; ; pages++ {
			after, err := c.Decode(cursor, 1)
			if err != nil || pages > total {
				t.Fatalf("page %d: %v", pages, err)
			}
			page := models.Cut(numbersAfter(after, total, limit+1), limit, key, c)
			if len(page.Items) > limit || page.Items == nil {
				t.Fatalf("page %d: %v", pages, page.Items)
			}
			seen = append(seen, page.Items...)
			if cursor = page.Next; cursor == "" {
				if want := max(0, total-1) / limit; pages != want {
					t.Fatalf("%d pages more than the first, want %d", pages, want)
				}
				break
			}
		}
		if want := numbersAfter(nil, total, total); !slices.Equal(seen, want) {
			t.Fatalf("saw %v, want %v", seen, want)
		}
	})
}

// numbersAfter stands for the query: up to n of the numbers 1 to total behind the cursor's.
func numbersAfter(after []string, total, n int) (rows []int) {
	start := 0
	if after != nil {
		start, _ = strconv.Atoi(after[0])
	}
	for i := start + 1; i <= total && len(rows) < n; i++ {
		rows = append(rows, i)
	}
	return rows
}

func TestPagedAnswers(t *testing.T) {
	t.Parallel()
	page := models.Cut([]string(nil), 5, func(s string) []string { return []string{s} }, models.NewCursor("none"))
	if raw, err := json.Marshal(page); err != nil || string(raw) != `{"items":[],"nextCursor":""}` {
		t.Errorf("%s, %v", raw, err)
	}
}
