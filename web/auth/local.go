package auth

import (
	"net/url"
	"path"
	"strings"
)

// maxLocal is how long a path to return to may be, in bytes.
const maxLocal = 2048

// Local is the path of ours that the text names, with its query, and "/" for everything that a browser could take for
// another site. Browsers and servers read odd addresses in different ways, so what is odd is none of ours.
func Local(text string) string {
	if !strings.HasPrefix(text, "/") || len(text) > maxLocal || strings.ContainsFunc(text, odd) {
		return "/"
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || strings.ContainsFunc(u.Path, unsafe) {
		return "/"
	}
	// Nothing is left out or put together: no "//", no "..", also when it was escaped.
	if clean := path.Clean(u.Path); clean != u.Path && clean+"/" != u.Path {
		return "/"
	}
	return text
}

// odd finds what no browser sends as it is: what is not printable ASCII, and the backslash.
func odd(r rune) bool { return r <= ' ' || r > '~' || r == '\\' }

// unsafe finds, in a path without escapes, what browsers drop or turn into slashes.
func unsafe(r rune) bool { return r < ' ' || r == '\\' || r == 0x7f }

// afterLogin is Local without the paths of signing in and out, which would lead in circles.
func afterLogin(text string) string {
	local := Local(text)
	where, _, _ := strings.Cut(local, "?")
	switch strings.TrimSuffix(where, "/") {
	case LoginPath, CallbackPath, LogoutPath, SignedOutPath:
		return "/"
	}
	return local
}
