package models

import (
	"bytes"
	"strconv"
)

// What a number may hold: the precision of IEEE 754's decimal128, and roughly the range of its double.
const (
	maxDigits   = 34
	maxExponent = 308
)

// The exponents of the first digit between which a number is written out; beyond them it is written as 1.5e21.
const (
	minPlainExponent = -7
	maxPlainExponent = 20
)

// decimal is the number ±d.ddd × 10^exponent with the digits d; zero has none.
type decimal struct {
	negative bool
	digits   []byte // without leading and trailing zeros
	exponent int
}

// scanNumber returns where the number of RFC 8259 that begins at i ends; ok is false if none does.
func scanNumber(src []byte, i int) (end int, ok bool) {
	if i < len(src) && src[i] == '-' {
		i++
	}
	whole := skipDigits(src, i)
	if whole == i || (src[i] == '0' && whole > i+1) {
		return i, false
	}
	i = whole
	if i < len(src) && src[i] == '.' {
		end = skipDigits(src, i+1)
		if end == i+1 {
			return end, false
		}
		i = end
	}
	if i < len(src) && (src[i] == 'e' || src[i] == 'E') {
		return scanExponent(src, i+1)
	}
	return i, true
}

func scanExponent(src []byte, i int) (end int, ok bool) {
	if i < len(src) && (src[i] == '+' || src[i] == '-') {
		i++
	}
	end = skipDigits(src, i)
	return end, end > i
}

func skipDigits(src []byte, i int) int {
	for i < len(src) && isDigit(src[i]) {
		i++
	}
	return i
}

// appendNumber writes the number in canonical form; ok is false if it is too long or too large to be kept exactly.
func appendNumber(dst, text []byte) (out []byte, ok bool) {
	if plainInteger(text) {
		return append(dst, text...), true
	}
	var room [2 * maxDigits]byte
	d := parseDecimal(text, room[:0])
	switch {
	case len(d.digits) == 0:
		return append(dst, '0'), true
	case len(d.digits) > maxDigits || max(d.exponent, -d.exponent) > maxExponent:
		return dst, false
	}
	if d.negative {
		dst = append(dst, '-')
	}
	if d.exponent < minPlainExponent || d.exponent > maxPlainExponent {
		return d.appendScientific(dst), true
	}
	return d.appendPlain(dst), true
}

// plainInteger tells that a number is canonical as it stands, which most are.
func plainInteger(text []byte) bool {
	digits := bytes.TrimPrefix(text, []byte{'-'})
	return len(digits) <= maxPlainExponent+1 && digits[0] != '0' && skipDigits(digits, 0) == len(digits)
}

// parseDecimal reads what scanNumber accepted; the digits go into room if they fit.
func parseDecimal(text, room []byte) decimal {
	negative := text[0] == '-'
	text = bytes.TrimPrefix(text, []byte{'-'})
	exponent := 0
	if e := bytes.IndexAny(text, "eE"); e >= 0 {
		exponent, text = parseExponent(text[e+1:]), text[:e]
	}
	whole, fraction, _ := bytes.Cut(text, []byte{'.'})
	digits := append(append(room, whole...), fraction...)
	significant := bytes.TrimLeft(digits, "0")
	return decimal{
		negative: negative,
		exponent: exponent + len(whole) - 1 - (len(digits) - len(significant)),
		digits:   bytes.TrimRight(significant, "0"),
	}
}

// parseExponent stops counting at a size that no text has digits to make up for.
func parseExponent(text []byte) int {
	const enough = 1 << 27
	n := 0
	for _, c := range bytes.TrimLeft(text, "+-") {
		if n < enough {
			n = n*10 + int(c-'0')
		}
	}
	if text[0] == '-' {
		return -n
	}
	return n
}

func (d decimal) appendPlain(dst []byte) []byte {
	whole := d.exponent + 1 // how many digits stand before the point
	switch {
	case whole <= 0:
		dst = append(dst, "0."...)
		dst = appendZeros(dst, -whole)
		return append(dst, d.digits...)
	case whole >= len(d.digits):
		dst = append(dst, d.digits...)
		return appendZeros(dst, whole-len(d.digits))
	default:
		dst = append(dst, d.digits[:whole]...)
		dst = append(dst, '.')
		return append(dst, d.digits[whole:]...)
	}
}

func (d decimal) appendScientific(dst []byte) []byte {
	dst = append(dst, d.digits[0])
	if len(d.digits) > 1 {
		dst = append(dst, '.')
		dst = append(dst, d.digits[1:]...)
	}
	dst = append(dst, 'e')
	return strconv.AppendInt(dst, int64(d.exponent), 10)
}

func appendZeros(dst []byte, n int) []byte {
	for range n {
		dst = append(dst, '0')
	}
	return dst
}
