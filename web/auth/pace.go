package auth

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/hotswap/hotswap/models"
)

// How often a login may be begun: each one writes a row, and asks for no credential.
const (
	loginsPerMinute = 30 // of one client, all at once if it likes
	loginsPerSecond = 50 // of all clients
	maxClients      = 10_000
	networkBits     = 64 // of an IPv6 address: who has one of a network has all
)

// pace bounds how often logins are begun. It forgets all clients when it would hold too many; the bound of all stays.
type pace struct {
	mu      sync.Mutex
	clients map[string]*rate.Limiter
	all     *rate.Limiter
}

func newPace() *pace {
	return &pace{clients: map[string]*rate.Limiter{}, all: rate.NewLimiter(loginsPerSecond, loginsPerSecond)}
}

// check is rate_limited, with the time to wait, when the client or all of them were too quick. Who is turned away takes
// nothing from the others.
func (p *pace) check(address string, now time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	client := network(address)
	own, ok := p.clients[client]
	if !ok {
		if len(p.clients) >= maxClients {
			clear(p.clients)
		}
		own = rate.NewLimiter(rate.Every(time.Minute/loginsPerMinute), loginsPerMinute)
		p.clients[client] = own
	}
	for _, limiter := range []*rate.Limiter{own, p.all} {
		place := limiter.ReserveN(now, 1)
		if wait := place.DelayFrom(now); wait > 0 {
			place.CancelAt(now)
			return &models.Error{
				Code: models.CodeRateLimited, Message: "too many sign-ins were begun; please wait a moment", RetryAfter: wait,
			}
		}
	}
	return nil
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
