package hotswap

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

const (
	beatEvery = 30 * time.Second
	beatSoon  = 2 * time.Second // within which a change is told of, with all others in it
	beatSlow  = 5 * time.Minute // where the server does not want to know
)

// beat tells the server which revision this unit holds.
type beat struct {
	client *Client
	wake   chan struct{}
}

// report is what it says.
type report struct {
	TenantID    string `json:"tenantId,omitempty"`
	Environment string `json:"environment,omitempty"`
	Revision    string `json:"revision"`
	Client      string `json:"client"`
}

func (b *beat) run(ctx context.Context) {
	for next := beatEvery; ; {
		timer := time.NewTimer(around(next))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		case <-b.wake:
			timer.Stop()
			if next == beatSlow {
				continue
			}
			if !sleep(ctx, jitter(beatSoon)) {
				return
			}
		}
		err := b.send(ctx)
		if ctx.Err() != nil {
			return
		}
		b.client.status.beat(err)
		next = max(beatEvery, retryAfter(err))
		if refused(err) {
			next = beatSlow
		}
	}
}

// send tells it once; nothing as long as nothing is held.
func (b *beat) send(ctx context.Context) error {
	revision := b.client.Revision()
	if revision == "" {
		return nil
	}
	tenant, environment := b.client.place.known()
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	r, err := b.client.wire.request(ctx, http.MethodPut, "/instances/"+url.PathEscape(b.client.options.Unit), nil,
		report{TenantID: tenant, Environment: environment, Revision: revision, Client: "hotswap-go"})
	if err != nil {
		return err
	}
	_, err = b.client.wire.call(r)
	return err
}
