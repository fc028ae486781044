package hotswap

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"reflect"
	"strconv"
	"strings"
	"sync"
)

// What Lookup may answer instead of a value.
var (
	ErrNotFound = errors.New("hotswap: no such key")
	ErrType     = errors.New("hotswap: the value is of another type")
)

// value is one resolved value, read once when it came.
type value struct {
	raw     json.RawMessage
	parsed  any // bool, string, json.Number; nil for null, arrays and objects
	integer *int64
	float   *float64
	decoded sync.Map // of Get: type to outcome
}

// newValue expects valid JSON.
func newValue(raw json.RawMessage) *value {
	raw = bytes.TrimSpace(raw)
	v := &value{raw: raw}
	switch raw[0] {
	case 't', 'f':
		v.parsed = raw[0] == 't'
	case '"':
		var text string
		if json.Unmarshal(raw, &text) == nil {
			v.parsed = text
		}
	case 'n', '[', '{':
	default:
		number := json.Number(raw)
		v.parsed, v.integer, v.float = number, integer(number), float(number)
	}
	return v
}

// float is the nearest float64; nil beyond its range.
func float(n json.Number) *float64 {
	f, err := n.Float64()
	if err != nil {
		return nil
	}
	return &f
}

// mostDigits is more than any number that the server has by its contract; beyond it nothing is computed.
const mostDigits = 400

// integer is the number if it is a whole one within int64, however it is written: 1e3 is 1000.
func integer(n json.Number) *int64 {
	if i, err := n.Int64(); err == nil {
		return &i
	}
	mantissa, exponent, _ := strings.Cut(strings.ToLower(n.String()), "e")
	if e, err := strconv.Atoi(exponent); exponent != "" && (err != nil || e > mostDigits || e < -mostDigits) || len(mantissa) > mostDigits {
		return nil
	}
	exact, ok := new(big.Rat).SetString(n.String())
	if !ok || !exact.IsInt() || !exact.Num().IsInt64() {
		return nil
	}
	i := exact.Num().Int64()
	return &i
}

// outcome is what decoding into one type came to.
type outcome struct {
	value any
	err   error
}

// as decodes the value once per type.
func as[T any](v *value) (T, error) {
	key := reflect.TypeFor[T]()
	known, ok := v.decoded.Load(key)
	if !ok {
		known, _ = v.decoded.LoadOrStore(key, decode[T](v))
	}
	done := known.(outcome)
	if done.err != nil {
		var none T
		return none, done.err
	}
	out, _ := done.value.(T) // not ok for a nil of an interface type: the zero value is right
	return out, nil
}

func decode[T any](v *value) outcome {
	var out T
	switch target := any(&out).(type) {
	case *json.Number: // encoding/json would take a string for one
		number, ok := v.parsed.(json.Number)
		if !ok {
			return outcome{err: ErrType}
		}
		*target = number
	case *int64:
		return whole(v, math.MinInt64, math.MaxInt64, func(i int64) any { return i })
	case *int:
		return whole(v, math.MinInt, math.MaxInt, func(i int64) any { return int(i) })
	default:
		d := json.NewDecoder(bytes.NewReader(v.raw))
		d.UseNumber()
		if err := d.Decode(&out); err != nil {
			return outcome{err: errors.Join(ErrType, err)}
		}
		if v.parsed == nil && v.raw[0] == 'n' && !nullable(reflect.TypeFor[T]()) {
			return outcome{err: ErrType}
		}
	}
	return outcome{value: out}
}

func whole(v *value, low, high int64, to func(int64) any) outcome {
	if v.integer == nil || *v.integer < low || *v.integer > high {
		return outcome{err: ErrType}
	}
	return outcome{value: to(*v.integer)}
}

// nullable tells whether null says something else than the zero value in this type.
func nullable(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Interface, reflect.Map, reflect.Slice:
		return true
	default:
		return false
	}
}
