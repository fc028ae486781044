// Package openfeature is a provider of OpenFeature over the HotSwap client: evaluations read from memory, and events
// tell when values move or get stale.
package openfeature

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	of "github.com/open-feature/go-sdk/openfeature"

	hotswap "github.com/hotswap/hotswap/client"
)

const (
	name = "HotSwap"
	// lookEvery is how often it looks whether the client is stale.
	lookEvery = time.Second
)

// Provider evaluates flags with what a client holds. The client's owner closes the client.
//
// The evaluation context has no part in it: the client was made for a tenant, an environment and a unit. The reason is
// STATIC, or CACHED while the server has not been heard of for long. Flag metadata name the revision.
type Provider struct {
	client *hotswap.Client
	events chan of.Event

	mu     sync.Mutex
	moved  []string
	wake   chan struct{}
	cancel func() // nil: not started
	ended  sync.WaitGroup
}

var (
	_ of.FeatureProvider          = (*Provider)(nil)
	_ of.EventHandler             = (*Provider)(nil)
	_ of.ContextAwareStateHandler = (*Provider)(nil)
)

// New makes a provider of a client.
func New(client *hotswap.Client) *Provider {
	return &Provider{client: client, events: make(chan of.Event), wake: make(chan struct{}, 1)}
}

// Metadata names the provider.
func (p *Provider) Metadata() of.Metadata { return of.Metadata{Name: name} }

// Hooks are none.
func (p *Provider) Hooks() []of.Hook { return nil }

// EventChannel tells of changes, staleness and its end.
func (p *Provider) EventChannel() <-chan of.Event { return p.events }

// Init is InitWithContext with the client's limit for one attempt.
func (p *Provider) Init(evaluation of.EvaluationContext) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return p.InitWithContext(ctx, evaluation)
}

// InitWithContext waits until the client has something to read, be it from its file.
func (p *Provider) InitWithContext(ctx context.Context, _ of.EvaluationContext) error {
	p.start() //nolint:contextcheck // what it begins goes on after this call
	err := p.client.Ready(ctx)
	if err == nil {
		return nil
	}
	var refusal *hotswap.Error
	if errors.As(err, &refusal) && refusal.Status == http.StatusUnauthorized {
		return &of.ProviderInitError{ErrorCode: of.ProviderFatalCode, Message: err.Error()}
	}
	return &of.ProviderInitError{ErrorCode: of.ProviderNotReadyCode, Message: err.Error()}
}

// start begins to tell of events, once.
func (p *Provider) start() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cancel != nil {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	stop := p.client.OnChange("", p.note)
	p.cancel = func() { stop(); cancel() }
	p.ended.Go(func() { p.tell(ctx) })
}

// Shutdown ends the events. The client goes on.
func (p *Provider) Shutdown() {
	p.mu.Lock()
	cancel := p.cancel
	p.cancel = nil
	p.mu.Unlock()
	if cancel != nil {
		cancel()
	}
	p.ended.Wait()
}

// ShutdownWithContext is Shutdown, which waits for nobody else.
func (p *Provider) ShutdownWithContext(context.Context) error {
	p.Shutdown()
	return nil
}

// note keeps what moved until it is told of: all of it at once.
func (p *Provider) note(change hotswap.Change) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.moved = append(p.moved, change.Key)
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// taken is what moved since the last time, sorted.
func (p *Provider) taken() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	moved := p.moved
	p.moved = nil
	slices.Sort(moved)
	return slices.Compact(moved)
}

// tell sends events until the context ends.
func (p *Provider) tell(ctx context.Context) {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	known, stale := p.state()
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.wake:
			p.send(ctx, of.ProviderConfigChange, "the configuration moved", p.taken())
		case <-look.C:
		}
		nowKnown, now := p.state()
		switch {
		case !nowKnown || known && now == stale:
			continue
		case now:
			p.send(ctx, of.ProviderStale, "the server was not heard of for long", nil)
		default:
			p.send(ctx, of.ProviderReady, "the server says what holds", nil)
		}
		known, stale = nowKnown, now
	}
}

func (p *Provider) state() (known, stale bool) {
	now := p.client.Status()
	return now.Revision != "", now.Stale
}

func (p *Provider) send(ctx context.Context, kind of.EventType, message string, changes []string) {
	select {
	case p.events <- of.Event{
		ProviderName: name, EventType: kind,
		ProviderEventDetails: of.ProviderEventDetails{Message: message, FlagChanges: changes},
	}:
	case <-ctx.Done():
	}
}
