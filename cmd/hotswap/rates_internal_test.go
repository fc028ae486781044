package main

import (
	"strings"
	"testing"
	"time"

	"github.com/hotswap/hotswap/web/pace"
)

func TestRatesAreRead(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]pace.Limit{
		"off": {}, "5/s": {Count: 5, Per: time.Second}, "30/m": {Count: 30, Per: time.Minute}, "1000000/s": {Count: 1_000_000, Per: time.Second},
	} {
		if got, ok := readRate(text); !ok || got != want {
			t.Errorf("%s is read as %+v, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "5", "0/s", "-1/s", "+5/s", "05/s", "5/h", "5/", "/s", "1000001/s", "5/s ", "OFF", "1e3/s", "9223372036854775808/s"} {
		if got, ok := readRate(text); ok {
			t.Errorf("%q is read as %+v", text, got)
		}
	}
	all := settings{RateReads: "secret", RatePast: "5/s", RateCalls: "x", RateCredentials: "off", RateSignIns: "30/m"}
	l, err := all.readRates()
	if err == nil || strings.Count(err.Error(), "HOTSWAP_RATE_") != 2 || strings.Contains(err.Error(), "secret") {
		t.Errorf("complaints: %v", err)
	}
	if l.Past.Burst != 10 || !l.Credentials.Off() {
		t.Errorf("read: %+v", l)
	}
}
