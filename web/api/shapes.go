package api

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/web"
	"github.com/hotswap/hotswap/web/wire"
)

// page is one page of a list.
type page[T any] struct {
	Items      []T     `json:"items"`
	NextCursor *string `json:"nextCursor" doc:"Where the next page begins; null on the last one"`
}

// paged is the answer of a list.
type paged[T any] struct {
	Body page[T]
}

// pageOf shows each thing of a page.
func pageOf[M, T any](p models.Paged[M], show func(M) T) *paged[T] {
	out := &paged[T]{Body: page[T]{Items: make([]T, len(p.Items)), NextCursor: optional(p.Next)}}
	for i, m := range p.Items {
		out.Body.Items[i] = show(m)
	}
	return out
}

// cut makes a page of a list that is short enough to be read as a whole. key is unique within the list.
func cut[M any](all []M, in wire.Paging, list string, key func(M) string, filters ...string) (models.Paged[M], error) {
	want, err := in.Page()
	if err != nil {
		return models.Paged[M]{}, err
	}
	cursor := models.NewCursor(list, filters...)
	after, err := cursor.Decode(want.Cursor, 1)
	if err != nil {
		return models.Paged[M]{}, err
	}
	if after != nil {
		last := slices.IndexFunc(all, func(m M) bool { return key(m) == after[0] })
		if last < 0 {
			return models.Paged[M]{}, models.InvalidCursor() // where the page before ended is gone
		}
		all = all[last+1:]
	}
	keys := func(m M) []string { return []string{key(m)} }
	return models.Cut(all[:min(len(all), want.Limit+1)], want.Limit, keys, cursor), nil
}

// single is the answer with one thing; its ETag is what If-Match is held against.
type single[T any] struct {
	ETag string `header:"ETag"`
	Body T
}

// created is the answer with a new thing.
type created[T any] struct {
	Location string `header:"Location"`
	ETag     string `header:"ETag"`
	Body     T
}

// Match is the condition of a write. (huma looks into embedded structs only if their names are exported.)
type Match struct {
	IfMatch string `header:"If-Match" doc:"The ETag that the thing must still have"`
}

// pathTo is where a thing is found: the collection and its name there.
func pathTo(collection, name string) string {
	return web.Prefix + "/" + collection + "/" + url.PathEscape(name)
}

// utc is the same instant as callers read it.
func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	at := t.UTC()
	return &at
}

// optional is null for an empty text.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// text is empty for null and for what is absent.
func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// durationText is a duration as people write it: "24h", not "24h0m0s".
func durationText(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// parseDuration reads a duration of whole seconds, such as "24h" or "1h30m".
func parseDuration(s, pointer string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d%time.Second != 0 {
		return 0, models.Invalid(pointer, "a duration of whole seconds, such as 24h or 1h30m")
	}
	return d, nil
}
