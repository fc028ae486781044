package auth

import (
	"github.com/hotswap/hotswap/web/pace"
)

// loginsPerSecond is how often all clients together may begin a login at one node: each one writes a row, and asks for
// no credential.
const loginsPerSecond = 50

// Pace bounds how often logins are begun; limit and share are those of one client.
func Pace(o pace.Options) *pace.Pace {
	o.Kind, o.PerAll, o.AtOnce = "signin", loginsPerSecond, true
	o.Message = "too many sign-ins were begun; please wait a moment"
	return pace.New(o)
}
