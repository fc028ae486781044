package models

import "strconv"

// Text makes a value of a string. It must be valid UTF-8 without NUL.
func Text(s string) Value { return Value(appendQuoted(nil, []byte(s))) }

// Int makes a value of a whole number.
func Int(n int64) Value { return Value(strconv.FormatInt(n, 10)) }

// Bool makes a value of a truth.
func Bool(b bool) Value { return Value(strconv.FormatBool(b)) }
