package wire

import (
	"iter"
	"net/url"
	"strings"
)

// Parameters are the names and values of a query in its order, as url.ParseQuery finds them: what it does not
// understand it leaves out. Nothing is made for what needs no decoding.
func Parameters(query string) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for query != "" {
			var pair string
			pair, query, _ = strings.Cut(query, "&")
			if pair == "" || strings.IndexByte(pair, ';') >= 0 {
				continue
			}
			name, value, _ := strings.Cut(pair, "=")
			name, nameOK := plain(name)
			value, valueOK := plain(value)
			if nameOK && valueOK && !yield(name, value) {
				return
			}
		}
	}
}

// Parameter is the value of a parameter and how often it is given.
func Parameter(query, name string) (value string, times int) {
	for n, v := range Parameters(query) {
		if n != name {
			continue
		}
		if times++; times == 1 {
			value = v
		}
	}
	return value, times
}

// plain undoes the escapes of a query; false if there are bad ones.
func plain(text string) (string, bool) {
	for i := range len(text) {
		if text[i] == '%' || text[i] == '+' {
			text, err := url.QueryUnescape(text)
			return text, err == nil
		}
	}
	return text, true
}
