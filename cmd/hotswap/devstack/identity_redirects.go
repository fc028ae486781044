package devstack

import (
	"fmt"
	"net"
	"net/url"
	"path"
	"strings"
)

// redirects are the places outside of the provider that it may send a browser to.
type redirects []*url.URL

func parseRedirects(prefixes []string) (redirects, error) {
	var all redirects
	for _, prefix := range prefixes {
		u, ok := parseLoopback(prefix)
		if !ok {
			return nil, fmt.Errorf("redirect prefix %q is no plain loopback address", prefix)
		}
		all = append(all, u)
	}
	return all, nil
}

// allows takes an address whose scheme, host and port are those of a prefix and whose path lies at or below its
// path.
func (r redirects) allows(address string) bool {
	u, ok := parseLoopback(address)
	if !ok {
		return false
	}
	for _, prefix := range r {
		if u.Scheme == prefix.Scheme && u.Host == prefix.Host && below(prefix.Path, u.Path) {
			return true
		}
	}
	return false
}

func below(prefix, p string) bool {
	prefix = strings.TrimSuffix(prefix, "/")
	return p == prefix || strings.HasPrefix(p, prefix+"/")
}

// parseLoopback refuses whatever a browser may read in another way than we do: user names, fragments, escapes
// and dot segments in the path.
func parseLoopback(address string) (*url.URL, bool) {
	u, err := url.Parse(address)
	if err != nil || u.Opaque != "" || u.User != nil || u.Fragment != "" || strings.ContainsAny(address, "\\#") {
		return nil, false
	}
	if u.Scheme != "http" && u.Scheme != "https" || !isLoopback(u.Hostname()) {
		return nil, false
	}
	clean := strings.TrimSuffix(path.Clean("/"+u.Path), "/")
	if u.EscapedPath() != u.Path || strings.Contains(u.Path, "%") || clean != strings.TrimSuffix(u.Path, "/") {
		return nil, false
	}
	return u, true
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// withQuery adds parameters to an address that was checked before.
func withQuery(address string, values url.Values) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	query := u.Query()
	for name := range values {
		if value := values.Get(name); value != "" {
			query.Set(name, value)
		}
	}
	u.RawQuery = query.Encode()
	return u.String()
}
