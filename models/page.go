package models

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strconv"
)

// How many items a page of a list may have.
const (
	DefaultLimit = 50
	MaxLimit     = 200
)

// Page is the part of a list that a caller asks for.
type Page struct {
	Limit  int    // 1 to MaxLimit
	Cursor string // where the page before ended; empty for the first page
}

// NewPage checks the limit; invalid outside 1 to MaxLimit. The cursor is checked by the list that issued it.
func NewPage(limit int, cursor string) (Page, error) {
	if limit < 1 || limit > MaxLimit {
		return Page{}, Invalid("/limit", "limit is a number from 1 to "+strconv.Itoa(MaxLimit))
	}
	return Page{Limit: limit, Cursor: cursor}, nil
}

// ParsePage reads the query's members as they were sent; an empty limit means DefaultLimit.
func ParsePage(limit, cursor string) (Page, error) {
	if limit == "" {
		return NewPage(DefaultLimit, cursor)
	}
	n, err := strconv.Atoi(limit)
	if err != nil || strconv.Itoa(n) != limit { // "+5" and "05" are no limits
		n = 0
	}
	return NewPage(n, cursor)
}

// Cursor issues and reads the places where the pages of one list under one set of filters end.
// Its checksum guards against accidents (another list, other filters, a cut text); it is no secret, so a
// list must treat the keys as it treats any other input.
type Cursor struct {
	scope []string
}

// NewCursor is for the list of that name under these filters, always given in the same order.
func NewCursor(list string, filters ...string) Cursor {
	return Cursor{scope: append([]string{list}, filters...)}
}

// checksumSize is how many bytes of the SHA-256 a cursor carries.
const checksumSize = 12

// Encode makes unpadded base64url text of the sort keys of a page's last row.
func (c Cursor) Encode(keys ...string) string {
	framed := frame(nil, keys)
	sum := sha256.Sum256(append(frame(nil, c.scope), framed...))
	return base64.RawURLEncoding.EncodeToString(append(sum[:checksumSize:checksumSize], framed...))
}

// Decode returns the n sort keys after which the page starts, or nil for the empty cursor of the first page.
// What this cursor did not issue is invalid. The keys are storable text; what a list parses further
// (a time, a number) and cannot read is InvalidCursor as well.
func (c Cursor) Decode(cursor string, n int) ([]string, error) {
	if cursor == "" {
		return nil, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(raw) < checksumSize {
		return nil, InvalidCursor()
	}
	keys, ok := unframe(raw[checksumSize:])
	// Base64 has several spellings of the same bytes, so the text itself is compared.
	if !ok || len(keys) != n || c.Encode(keys...) != cursor {
		return nil, InvalidCursor()
	}
	return keys, nil
}

// InvalidCursor says that the list did not issue the cursor.
func InvalidCursor() *Error {
	return Invalid("/cursor", "the cursor does not belong to this list and its filters")
}

// frame appends each text behind its length, so that no two lists of texts look the same.
func frame(dst []byte, texts []string) []byte {
	for _, t := range texts {
		dst = append(binary.AppendUvarint(dst, uint64(len(t))), t...)
	}
	return dst
}

func unframe(raw []byte) (texts []string, ok bool) {
	for len(raw) > 0 {
		size, n := binary.Uvarint(raw)
		if n <= 0 || size > uint64(len(raw[n:])) {
			return nil, false
		}
		raw = raw[n:]
		text := string(raw[:size])
		if !ValidText(text, len(text)) {
			return nil, false
		}
		texts, raw = append(texts, text), raw[size:]
	}
	return texts, true
}

// Paged is one page of a list.
type Paged[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"nextCursor"` // empty on the last page
}

// Cut makes a page of rows that were read with LIMIT limit+1: the row too many tells that there is a next page,
// whose cursor holds the sort keys of the last row kept.
func Cut[T any](rows []T, limit int, key func(T) []string, c Cursor) Paged[T] {
	if len(rows) <= limit {
		return Paged[T]{Items: append([]T{}, rows...)} // never null in JSON
	}
	return Paged[T]{Items: rows[:limit:limit], Next: c.Encode(key(rows[limit-1])...)}
}
