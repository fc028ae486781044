package hotswap

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Options say what a client reads and how. URL and Key are all that it needs; a key for several tenants or environments
// needs Tenant and Environment as well.
type Options struct {
	// URL is where the server is, such as https://config.example.com.
	URL string
	// Key is an API key with the role reader, or any other credential that the server takes as a bearer token.
	Key string
	// Tenant is whose configuration is read. Empty: the one that the key is for.
	Tenant string
	// Environment is the one that is read, such as Production. Empty: the one that the key is for.
	Environment string

	// Unit names who reads, such as an instance, in 1 to 128 printable characters. A deployment in steps goes by it, and the server is told which revision
	// this unit holds. Empty: none of both.
	Unit string

	// File is where the last known good configuration is kept, sealed; see FileKey. Empty: nowhere.
	File string
	// FileKey is what the file is sealed under. Empty: Key. Set it where the credential changes more often than a
	// server is out of reach.
	FileKey string

	// HTTP makes the calls. Its Timeout is not applied to streams. Nil: one of the client's own.
	HTTP *http.Client
	// Log hears what goes wrong and what comes right again. Nil: nobody does.
	Log *slog.Logger
	// OnError hears of every failed attempt, as it happens. It must not block.
	OnError func(error)

	// PollOnly makes do without a stream.
	PollOnly bool
	// PollEvery is how often the server is asked while there is no stream. 0: 30 s.
	PollEvery time.Duration
	// Silence is how long a stream may say nothing, heartbeats included, until it counts as dead. 0: 45 s.
	Silence time.Duration
	// StaleAfter is how long after the server was last heard of what is held counts as stale. 0: 90 s.
	StaleAfter time.Duration
}

// What holds where the options say nothing.
const (
	defaultPollEvery  = 30 * time.Second
	defaultSilence    = 45 * time.Second
	defaultStaleAfter = 90 * time.Second
)

// complete fills in what is not given, or tells all that is wrong at once.
func (o Options) complete() (Options, error) {
	var wrong []error
	base, err := url.Parse(o.URL)
	switch {
	case err != nil:
		wrong = append(wrong, fmt.Errorf("hotswap: the URL: %w", err))
	case base.Scheme != "http" && base.Scheme != "https", base.Host == "":
		wrong = append(wrong, errors.New("hotswap: the URL must begin with http:// or https:// and name a host"))
	case base.RawQuery != "" || base.Fragment != "":
		wrong = append(wrong, errors.New("hotswap: the URL has no query and no fragment"))
	}
	if o.Key == "" {
		wrong = append(wrong, errors.New("hotswap: a key is required"))
	}
	if o.PollEvery < 0 || o.Silence < 0 || o.StaleAfter < 0 {
		wrong = append(wrong, errors.New("hotswap: PollEvery, Silence and StaleAfter are not below zero"))
	}
	o.URL = strings.TrimRight(o.URL, "/")
	if o.FileKey == "" {
		o.FileKey = o.Key
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.PollEvery = or(o.PollEvery, defaultPollEvery)
	o.Silence = or(o.Silence, defaultSilence)
	o.StaleAfter = or(o.StaleAfter, defaultStaleAfter)
	return o, errors.Join(wrong...)
}

func or(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}
