package components

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/hotswap/hotswap/models"
)

// Tone is how something is meant.
type Tone int

// The tones.
const (
	Neutral Tone = iota
	Good
	Bad
	Waiting
)

func noticeClass(t Tone) string {
	return [...]string{"alert-info", "alert-success", "alert-danger", "alert-warning"}[t]
}

func noticeIcon(t Tone) string {
	return [...]string{"info-circle", "circle-check", "alert-triangle", "clock"}[t]
}

func tagClass(t Tone) string { return [...]string{"", "tag-good", "tag-bad", "tag-wait"}[t] }

type nowKey struct{}

// WithNow puts the time of the answer into the context in which pages are drawn.
func WithNow(ctx context.Context, now time.Time) context.Context {
	return context.WithValue(ctx, nowKey{}, now)
}

func exact(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// relative says a time as seen from the time of the answer.
func relative(ctx context.Context, t time.Time) string {
	now, ok := ctx.Value(nowKey{}).(time.Time)
	if !ok {
		return exact(t)
	}
	if d := t.Sub(now); d > 0 {
		if said := span(d); said != "" {
			return "in " + said
		}
		return "in a moment"
	}
	if said := span(now.Sub(t)); said != "" {
		return said + " ago"
	}
	return "just now"
}

// span says how long something is in its largest unit; empty under a minute.
func span(d time.Duration) string {
	const day = 24 * time.Hour
	units := []struct {
		name string
		long time.Duration
	}{{"year", 365 * day}, {"month", 30 * day}, {"day", day}, {"hour", time.Hour}, {"minute", time.Minute}}
	for _, u := range units {
		if n := int(d / u.long); n == 1 {
			return "1 " + u.name
		} else if n > 1 {
			return fmt.Sprintf("%d %ss", n, u.name)
		}
	}
	return ""
}

// run is a piece of text that is shown as it is, or spelled out.
type run struct {
	text   string
	hidden bool
}

// visible cuts a text where characters hide: format and control characters, and unusual spaces, become their code
// points, so that nobody approves what they cannot see (Unicode TR 36, "Trojan Source").
func visible(text string) []run {
	var (
		runs  []run
		plain strings.Builder
	)
	flush := func() {
		if plain.Len() > 0 {
			runs = append(runs, run{text: plain.String()})
			plain.Reset()
		}
	}
	for _, r := range text {
		if !hides(r) {
			plain.WriteRune(r)
			continue
		}
		flush()
		runs = append(runs, run{text: fmt.Sprintf("U+%04X", r), hidden: true})
	}
	flush()
	return runs
}

func hides(r rune) bool {
	switch {
	case r == '\n' || r == '\t' || r == ' ':
		return false
	case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Zl, unicode.Zp, unicode.Zs):
		return true
	default:
		return unicode.In(r, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point) || r == unicode.ReplacementChar
	}
}

func named(ref models.ActorRef) string {
	if ref.Name != "" {
		return ref.Name
	}
	return string(ref.Kind) + " " + ref.ID
}
