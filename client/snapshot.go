package hotswap

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"
)

// Snapshot is a tenant's configuration under one revision. It never changes: what is read from one belongs together.
type Snapshot struct {
	revision string
	values   map[string]*value
}

// Source is what values are read from: a Client, for what holds now, or a Snapshot.
type Source interface {
	Snapshot() *Snapshot
}

// body is the server's answer to the read of a whole set, also on the stream and in the file.
type body struct {
	TenantID    string                     `json:"tenantId,omitempty"`
	Environment string                     `json:"environment,omitempty"`
	Revision    string                     `json:"revision"`
	Configs     map[string]json.RawMessage `json:"configs"`
}

// delta is what one change on the stream moved.
type delta struct {
	Revision string                     `json:"revision"`
	Set      map[string]json.RawMessage `json:"set"`
	Unset    []string                   `json:"unset"`
}

// errUnfit tells of a change that is none of what is held.
var errUnfit = errors.New("the change does not fit what is held")

// parse reads a whole set. Values that did not move keep what was decoded of them.
func parse(data []byte, held *Snapshot) (*Snapshot, error) {
	var b body
	if err := json.Unmarshal(data, &b); err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	if b.Revision == "" || b.Configs == nil {
		return nil, errors.New("read the configuration: revision or configs are missing")
	}
	return b.snapshot(held), nil
}

func (b body) snapshot(held *Snapshot) *Snapshot {
	s := &Snapshot{revision: b.Revision, values: make(map[string]*value, len(b.Configs))}
	for key, raw := range b.Configs {
		s.values[key] = held.keep(key, raw)
	}
	return s
}

// apply is the snapshot after a change.
func (s *Snapshot) apply(data []byte) (*Snapshot, error) {
	var d delta
	if err := json.Unmarshal(data, &d); err != nil {
		return nil, fmt.Errorf("read a change: %w", err)
	}
	if d.Revision == "" {
		return nil, fmt.Errorf("read a change: %w: it has no revision", errUnfit)
	}
	next := &Snapshot{revision: d.Revision, values: maps.Clone(s.values)}
	for _, key := range d.Unset {
		if _, held := next.values[key]; !held {
			return nil, fmt.Errorf("%w: it takes away %q", errUnfit, key)
		}
		delete(next.values, key)
	}
	for key, raw := range d.Set {
		next.values[key] = s.keep(key, raw)
	}
	return next, nil
}

// keep is the value of the key: the one that is held if it says the same.
func (s *Snapshot) keep(key string, raw json.RawMessage) *value {
	if s != nil {
		if old, ok := s.values[key]; ok && string(old.raw) == string(raw) {
			return old
		}
	}
	return newValue(raw)
}

// Snapshot is the snapshot itself, so that it is a Source.
func (s *Snapshot) Snapshot() *Snapshot { return s }

// Revision identifies the values: opaque, another one as soon as any value moves. Empty as long as nothing is known.
func (s *Snapshot) Revision() string { return s.revision }

// Len counts the keys.
func (s *Snapshot) Len() int { return len(s.values) }

// Keys are all keys, sorted.
func (s *Snapshot) Keys() []string { return slices.Sorted(maps.Keys(s.values)) }

// All are the values as JSON, by key, in no order. They are not to be altered.
func (s *Snapshot) All() iter.Seq2[string, json.RawMessage] {
	return func(yield func(string, json.RawMessage) bool) {
		for key, v := range s.values {
			if !yield(key, v.raw) {
				return
			}
		}
	}
}

// Has tells whether there is such a key.
func (s *Snapshot) Has(key string) bool {
	_, ok := s.values[key]
	return ok
}

// Raw is the value as JSON, nil where there is none. It is not to be altered.
func (s *Snapshot) Raw(key string) json.RawMessage {
	if v, ok := s.values[key]; ok {
		return v.raw
	}
	return nil
}

// Bool is the value of a key of type boolean.
func (s *Snapshot) Bool(key string, otherwise bool) bool { return parsed(s, key, otherwise) }

// String is the value of a key of type string.
func (s *Snapshot) String(key, otherwise string) string { return parsed(s, key, otherwise) }

// Number is the value of a key of type number, exact.
func (s *Snapshot) Number(key string, otherwise json.Number) json.Number {
	return parsed(s, key, otherwise)
}

// Int is the value of a key of type number, if it is a whole one within 64 bits.
func (s *Snapshot) Int(key string, otherwise int64) int64 {
	if v, ok := s.values[key]; ok && v.integer != nil {
		return *v.integer
	}
	return otherwise
}

// Float is the value of a key of type number, as near as a float64 comes to it.
func (s *Snapshot) Float(key string, otherwise float64) float64 {
	if v, ok := s.values[key]; ok && v.float != nil {
		return *v.float
	}
	return otherwise
}

// Duration is the value of a key of type string such as "1m30s".
func (s *Snapshot) Duration(key string, otherwise time.Duration) time.Duration {
	d, err := time.ParseDuration(parsed(s, key, ""))
	if err != nil {
		return otherwise
	}
	return d
}

// JSON decodes a value of any type into what the pointer points to, anew with each call: ErrNotFound, ErrType.
func (s *Snapshot) JSON(key string, into any) error {
	v, ok := s.values[key]
	if !ok {
		return ErrNotFound
	}
	if err := json.Unmarshal(v.raw, into); err != nil {
		return errors.Join(ErrType, err)
	}
	return nil
}

func parsed[T bool | string | json.Number](s *Snapshot, key string, otherwise T) T {
	if v, ok := s.values[key]; ok {
		if out, ok := v.parsed.(T); ok {
			return out
		}
	}
	return otherwise
}

// Get is the value decoded into T, once for all readers as long as it stays the same: what it refers to is not to be
// altered. Use JSON for a copy of one's own.
func Get[T any](from Source, key string, otherwise T) T {
	if out, err := Lookup[T](from, key); err == nil {
		return out
	}
	return otherwise
}

// Lookup is Get for those who want to know why there is no value: ErrNotFound, ErrType. Numbers in a T of type any are
// json.Number.
func Lookup[T any](from Source, key string) (T, error) {
	v, ok := from.Snapshot().values[key]
	if !ok {
		var none T
		return none, ErrNotFound
	}
	return as[T](v)
}

// body is the snapshot as the server would send it.
func (s *Snapshot) body() body {
	b := body{Revision: s.revision, Configs: make(map[string]json.RawMessage, len(s.values))}
	for key, v := range s.values {
		b.Configs[key] = v.raw
	}
	return b
}
