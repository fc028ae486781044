package pace

import (
	"net/netip"
	"time"
)

// networkBits is how much of an IPv6 address stands for one client: who has one of a network has all.
const networkBits = 64

// PastBurst is how often one credential may read the past at once: a page that compares asks for two sides.
const PastBurst = 10

// Limits are how often callers may do what costs. What is zero is not bounded.
type Limits struct {
	Reads       Limit // resolved reads, OFREP, streams and polls, of one credential
	Past        Limit // reads of the past, of one credential
	Calls       Limit // all other calls of the API, of one credential
	Credentials Limit // calls without a credential that is known, from one address
	SignIns     Limit // logins that are begun, from one address
}

// Standard are the limits of a node that is told nothing else.
func Standard() Limits {
	return Limits{
		Past:        Limit{Count: 5, Per: time.Second, Burst: PastBurst},
		Calls:       Limit{Count: 2000, Per: time.Second},
		Credentials: Limit{Count: 20, Per: time.Second},
		SignIns:     Limit{Count: 30, Per: time.Minute},
	}
}

// Network is what stands for one client: an IPv4 address, the network of an IPv6 one, or whatever else it is.
func Network(address string) string {
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
