package main

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/hotswap/hotswap/web/pace"
)

// highestRate is more than one node answers.
const highestRate = 1_000_000

// readRates reads how often callers may call.
func (s settings) readRates() (pace.Limits, error) {
	var l pace.Limits
	var bad []error
	for _, r := range []struct {
		name, value string
		limit       *pace.Limit
	}{
		{"HOTSWAP_RATE_READS", s.RateReads, &l.Reads},
		{"HOTSWAP_RATE_PAST", s.RatePast, &l.Past},
		{"HOTSWAP_RATE_CALLS", s.RateCalls, &l.Calls},
		{"HOTSWAP_RATE_CREDENTIALS", s.RateCredentials, &l.Credentials},
		{"HOTSWAP_RATE_SIGN_IN", s.RateSignIns, &l.SignIns},
	} {
		limit, ok := readRate(r.value)
		if !ok {
			bad = append(bad, errors.New(r.name+" is not a rate such as 100/s or 30/m, up to 1000000, nor off"))
		}
		*r.limit = limit
	}
	l.Past.Burst = max(l.Past.Count, pace.PastBurst)
	return l, errors.Join(bad...)
}

// readRate reads "100/s", "30/m" or "off".
func readRate(text string) (pace.Limit, bool) {
	if text == "off" {
		return pace.Limit{}, true
	}
	count, per, _ := strings.Cut(text, "/")
	n, err := strconv.Atoi(count)
	unit, known := map[string]time.Duration{"s": time.Second, "m": time.Minute}[per]
	if err != nil || !known || n < 1 || n > highestRate || strconv.Itoa(n) != count {
		return pace.Limit{}, false
	}
	return pace.Limit{Count: n, Per: unit}, true
}
