package views

import (
	"regexp"
	"strconv"
	"strings"

	udiff "github.com/aymanbagabas/go-udiff"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/views/components"
)

// sideLine is one line of a value that stands beside another.
type sideLine struct {
	parts []sidePart
	gap   bool // stands for lines that are equal in both
}

// sidePart is a piece of a line; marked, where the other value is different.
type sidePart struct {
	text   string
	marked bool
}

// keptLines is how many lines are shown around what differs, and at most of a value that stands alone.
const (
	keptAround = 2
	keptAlone  = 12
)

// sides are the lines of two values, with what differs marked in both.
func sides(from, to models.Value) (left, right []sideLine) {
	before, after := components.Indent(from)+"\n", components.Indent(to)+"\n"
	unified, err := udiff.ToUnifiedDiff("", "", before, udiff.Lines(before, after), keptAround)
	if err != nil || len(unified.Hunks) == 0 {
		return sideAlone(from), sideAlone(to)
	}
	total, next := strings.Count(before, "\n"), 1
	for _, hunk := range unified.Hunks {
		left, right = sideGap(left, hunk.FromLine-next), sideGap(right, hunk.FromLine-next)
		var removed, added []string
		next = hunk.FromLine
		for _, l := range hunk.Lines {
			text := strings.TrimSuffix(l.Content, "\n")
			switch l.Kind {
			case udiff.Delete:
				removed = append(removed, text)
				next++
			case udiff.Insert:
				added = append(added, text)
			case udiff.Equal:
				left, right = sidePair(left, right, removed, added)
				removed, added = nil, nil
				left, right = append(left, sidePlain(text)), append(right, sidePlain(text))
				next++
			}
		}
		left, right = sidePair(left, right, removed, added)
	}
	rest := total - next + 1
	return sideGap(left, rest), sideGap(right, rest)
}

// sidePair appends lines that were replaced by others, each beside its successor.
func sidePair(left, right []sideLine, removed, added []string) (l, r []sideLine) {
	for i := range max(len(removed), len(added)) {
		switch {
		case i >= len(added):
			left = append(left, sideWhole(removed[i]))
		case i >= len(removed):
			right = append(right, sideWhole(added[i]))
		default:
			a, b := sideMarks(removed[i], added[i])
			left, right = append(left, sideLine{parts: a}), append(right, sideLine{parts: b})
		}
	}
	return left, right
}

// sideWhole marks a line but its indentation.
func sideWhole(line string) sideLine {
	text := strings.TrimLeft(line, " ")
	return sideLine{parts: []sidePart{{line[:len(line)-len(text)], false}, {text, true}}}
}

// sideWord is what is marked as a whole: a number, a word, or any other character.
var sideWord = regexp.MustCompile(`-?[0-9]+(?:[.eE+-]+[0-9]+)*|[\p{L}\p{N}_]+|(?s:.)`)

// sideMarks marks of two lines all between the words that both begin and end with.
func sideMarks(a, b string) (left, right []sidePart) {
	x, y := sideWord.FindAllString(a, -1), sideWord.FindAllString(b, -1)
	head := 0
	for head < min(len(x), len(y)) && x[head] == y[head] {
		head++
	}
	tail := 0
	for tail < min(len(x), len(y))-head && x[len(x)-1-tail] == y[len(y)-1-tail] {
		tail++
	}
	return sideCut(x, head, tail), sideCut(y, head, tail)
}

func sideCut(words []string, head, tail int) []sidePart {
	var out []sidePart
	add := func(words []string, marked bool) {
		if len(words) > 0 {
			out = append(out, sidePart{strings.Join(words, ""), marked})
		}
	}
	add(words[:head], false)
	add(words[head:len(words)-tail], true)
	add(words[len(words)-tail:], false)
	return out
}

// sideAlone are the lines of a value without another, the first of them if there are many.
func sideAlone(v models.Value) []sideLine {
	lines := strings.Split(components.Indent(v), "\n")
	more := 0
	if len(lines) > keptAlone {
		lines, more = lines[:keptAlone], len(lines)-keptAlone
	}
	out := make([]sideLine, len(lines))
	for i, l := range lines {
		out[i] = sidePlain(l)
	}
	if more > 0 {
		out = append(out, sideLine{parts: []sidePart{{text: "… " + counted(more, "more line")}}, gap: true})
	}
	return out
}

func sideGap(lines []sideLine, equal int) []sideLine {
	if equal <= 0 {
		return lines
	}
	return append(lines, sideLine{parts: []sidePart{{text: "… " + strconv.Itoa(equal) + " equal"}}, gap: true})
}

func sidePlain(text string) sideLine { return sideLine{parts: []sidePart{{text: text}}} }

// lines are those of both sides of a row; none of a side that is hidden or empty.
func (r CompareRow) lines() (from, to []sideLine) {
	switch {
	case r.From.Masked || r.To.Masked:
		return nil, nil
	case r.Status == Differs:
		return sides(r.From.Value, r.To.Value)
	}
	if r.From.Set() {
		from = sideAlone(r.From.Value)
	}
	if r.To.Set() {
		to = sideAlone(r.To.Value)
	}
	return from, to
}

func (r CompareRow) fromLines() []sideLine { from, _ := r.lines(); return from }
func (r CompareRow) toLines() []sideLine   { _, to := r.lines(); return to }
