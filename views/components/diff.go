package components

import (
	"strconv"
	"strings"

	udiff "github.com/aymanbagabas/go-udiff"

	"github.com/hotswap/hotswap/models"
)

// diffLine is one line of a difference.
type diffLine struct{ sign, class, said, text string }

// shownAround is how many equal lines are shown around a change; the others are folded into one that counts them.
const shownAround = 3

// diffLines compares the indented texts of two values; an empty value has no lines.
func diffLines(from, to models.Value) []diffLine {
	before, after := lined(from), lined(to)
	unified, err := udiff.ToUnifiedDiff("", "", before, udiff.Lines(before, after), shownAround)
	if err != nil || len(unified.Hunks) == 0 {
		return keptLines(before)
	}
	var out []diffLine
	next := 1 // the line of the text before that comes next
	for _, hunk := range unified.Hunks {
		out = append(out, gap(hunk.FromLine-next)...)
		next = hunk.FromLine
		for _, l := range hunk.Lines {
			out = append(out, lineOf(l.Kind, l.Content))
			if l.Kind != udiff.Insert {
				next++
			}
		}
	}
	return append(out, gap(strings.Count(before, "\n")-next+1)...)
}

// lined is a value's text with an end to each line, so that none is a special case.
func lined(v models.Value) string {
	if v == "" {
		return ""
	}
	return Indent(v) + "\n"
}

func lineOf(kind udiff.OpKind, text string) diffLine {
	text = strings.TrimSuffix(text, "\n")
	switch kind {
	case udiff.Insert:
		return diffLine{"+", "added", "added: ", text}
	case udiff.Delete:
		return diffLine{"−", "removed", "removed: ", text}
	default:
		return diffLine{text: text}
	}
}

func keptLines(text string) []diffLine {
	var out []diffLine
	for line := range strings.Lines(text) {
		out = append(out, lineOf(udiff.Equal, line))
	}
	return out
}

func gap(lines int) []diffLine {
	if lines <= 0 {
		return nil
	}
	return []diffLine{{sign: "…", class: "gap", text: strconv.Itoa(lines) + " equal lines"}}
}
