package auth

import (
	"net/netip"
	"time"

	"github.com/hotswap/hotswap/web/pace"
)

// How often a login may be begun: each one writes a row, and asks for no credential.
const (
	loginsPerMinute = 30 // of one client, all at once if it likes
	loginsPerSecond = 50 // of all clients
	networkBits     = 64 // of an IPv6 address: who has one of a network has all
)

// newPace bounds how often logins are begun.
func newPace() *pace.Pace {
	return pace.New(pace.Options{
		Every: time.Minute / loginsPerMinute, Burst: loginsPerMinute, PerAll: loginsPerSecond,
		Message: "too many sign-ins were begun; please wait a moment",
	})
}

// network is what stands for one client: an IPv4 address, the network of an IPv6 one, or whatever else it is.
func network(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	if ip = ip.Unmap().WithZone(""); ip.Is4() {
		return ip.String()
	}
	prefix, err := ip.Prefix(networkBits)
	if err != nil {
		return address
	}
	return prefix.String()
}
