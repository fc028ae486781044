package hotswap

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Client keeps a tenant's configuration of one environment in memory. All of its methods may be called by many at once.
type Client struct {
	options  Options // without the keys
	wire     *wire
	place    *place
	held     atomic.Pointer[Snapshot] // never nil
	ready    chan struct{}            // closed once there is something to read
	denial   denial
	status   status
	watchers watchers
	file     *file // nil: none
	beat     *beat // nil: no unit
	cancel   context.CancelFunc
	running  sync.WaitGroup
}

// New reads the file, if there is one, and begins to listen to the server; it waits for neither. What it answers as an
// error is wrong with the options. Close ends it.
func New(options Options) (*Client, error) {
	options, err := options.complete()
	if err != nil {
		return nil, err
	}
	w := newWire(options)
	c := &Client{wire: w, place: &place{wire: w, tenant: options.Tenant, environment: options.Environment}, ready: make(chan struct{}), denial: denial{told: make(chan struct{})}}
	c.held.Store(&Snapshot{})
	c.watchers.wake = make(chan struct{}, 1)
	if options.File != "" {
		if c.file, err = newFile(options); err != nil {
			return nil, err
		}
	}
	if options.Unit != "" {
		c.beat = &beat{client: c, wake: make(chan struct{}, 1)}
	}
	options.Key, options.FileKey = "", ""
	c.options = options
	c.status.since(Starting)
	f := &feed{client: c}
	c.fromFile(f)
	c.start(f)
	return c, nil
}

func (c *Client) start(f *feed) {
	ctx, cancel := context.WithCancel(context.Background())
	c.cancel = cancel
	c.running.Go(func() { f.run(ctx) })
	c.running.Go(func() { c.watchers.run(ctx, &c.held, c.failed) })
	if c.file != nil {
		c.running.Go(func() { c.file.keep(ctx, c) })
	}
	if c.beat != nil {
		c.running.Go(func() { c.beat.run(ctx) })
	}
}

// fromFile begins with what the file holds.
func (c *Client) fromFile(f *feed) {
	if c.file == nil {
		return
	}
	saved, at, err := c.file.read()
	if err != nil {
		c.failed(fmt.Errorf("hotswap: the file is not used: %w", err))
		return
	}
	if saved == nil {
		return // there is none yet
	}
	f.history = []string{saved.revision}
	c.status.heard(at, true)
	c.install(saved)
	c.options.Log.Info("configuration taken from the file", "revision", saved.revision, "saved", at)
}

// install makes a snapshot what readers see.
func (c *Client) install(next *Snapshot) {
	c.held.Store(next)
	select {
	case <-c.ready:
	default:
		close(c.ready)
	}
	wake(c.watchers.wake)
	if c.file != nil {
		wake(c.file.wake)
	}
	if c.beat != nil {
		wake(c.beat.wake)
	}
}

// wake is never lost and never waits: one is enough until it is seen.
func wake(ch chan struct{}) {
	select {
	case ch <- struct{}{}:
	default:
	}
}

// failed tells of an attempt that did not work out.
func (c *Client) failed(err error) {
	log := c.options.Log.Debug
	if c.status.failed(err) {
		log = c.options.Log.Warn
	}
	if c.Revision() == "" {
		log("there is no configuration yet: defaults are served", "error", err)
	} else {
		log("configuration is served from memory", "error", err)
	}
	if c.options.OnError != nil {
		c.options.OnError(err)
	}
}

// Close ends the client and waits until all that it does has ended; the file is written a last time. Values can be
// read as before. It must not be called by what OnChange calls.
func (c *Client) Close() {
	c.cancel()
	c.running.Wait()
	c.wire.close()
	c.status.since(Closed)
}

// Ready waits until there is something to read, be it from the file. It fails at once where the server refused and
// there is nothing: the key, the tenant or the environment is wrong. The client goes on asking all the same.
func (c *Client) Ready(ctx context.Context) error {
	for {
		denied, why := c.denial.get()
		select {
		case <-c.ready:
			return nil
		default:
		}
		if why != nil {
			return fmt.Errorf("there is no configuration: %w", why)
		}
		select {
		case <-c.ready:
		case <-denied:
		case <-ctx.Done():
			if err := c.Status().Err; err != nil {
				return fmt.Errorf("%w; the last attempt: %w", ctx.Err(), err)
			}
			return ctx.Err()
		}
	}
}

// Snapshot is what holds now. Values that belong together are read from one.
func (c *Client) Snapshot() *Snapshot { return c.held.Load() }

// Revision is that of what holds now. Empty as long as nothing is known.
func (c *Client) Revision() string { return c.held.Load().revision }

// Bool is the value of a key of type boolean.
func (c *Client) Bool(key string, otherwise bool) bool { return c.Snapshot().Bool(key, otherwise) }

// String is the value of a key of type string.
func (c *Client) String(key, otherwise string) string { return c.Snapshot().String(key, otherwise) }

// Number is the value of a key of type number, exact.
func (c *Client) Number(key string, otherwise json.Number) json.Number {
	return c.Snapshot().Number(key, otherwise)
}

// Int is the value of a key of type number, if it is a whole one within 64 bits.
func (c *Client) Int(key string, otherwise int64) int64 { return c.Snapshot().Int(key, otherwise) }

// Float is the value of a key of type number, as near as a float64 comes to it.
func (c *Client) Float(key string, otherwise float64) float64 {
	return c.Snapshot().Float(key, otherwise)
}

// Duration is the value of a key of type string such as "1m30s".
func (c *Client) Duration(key string, otherwise time.Duration) time.Duration {
	return c.Snapshot().Duration(key, otherwise)
}

// JSON decodes a value of any type into what the pointer points to, anew with each call: ErrNotFound, ErrType.
func (c *Client) JSON(key string, into any) error { return c.Snapshot().JSON(key, into) }
