package openfeature_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	of "github.com/open-feature/go-sdk/openfeature"
	"github.com/open-feature/go-sdk/openfeature/isolated"

	hotswap "github.com/hotswap/hotswap/client"
	"github.com/hotswap/hotswap/client/openfeature"
)

// server answers polls with what it is set to, and fails while that is nothing.
type server struct {
	*httptest.Server
	revision atomic.Int64
	configs  atomic.Pointer[string]
}

func serve(t *testing.T) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		configs := s.configs.Load()
		if configs == nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, fmt.Sprintf(`{"revision":"r%d","configs":%s}`, s.revision.Load(), *configs))
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *server) set(configs string) {
	s.configs.Store(&configs)
	s.revision.Add(1)
}

func connect(t *testing.T, s *server) *openfeature.Provider {
	t.Helper()
	client, err := hotswap.New(hotswap.Options{
		URL: s.URL, Key: "k", Tenant: "acme", Environment: "QA", PollOnly: true, PollEvery: 20 * time.Millisecond, StaleAfter: time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return openfeature.New(client)
}

func TestEvaluations(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.set(`{"flag":true,"text":"x","whole":7,"half":0.5,"object":{"n":[1]},"null":null}`)
	api := isolated.NewAPI()
	if err := api.SetProviderAndWait(t.Context(), connect(t, s)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = api.Shutdown(context.WithoutCancel(t.Context())) })
	c, ctx, nobody := api.NewClient(), t.Context(), of.EvaluationContext{}
	check := func(what string, got, want any, reason, wantReason of.Reason, code, wantCode of.ErrorCode) {
		t.Helper()
		if !reflect.DeepEqual(got, want) || reason != wantReason || code != wantCode {
			t.Errorf("%s is %v %s %s, want %v %s %s", what, got, reason, code, want, wantReason, wantCode)
		}
	}
	b, _ := c.BooleanValueDetails(ctx, "flag", false, nobody)
	check("a boolean", b.Value, true, b.Reason, of.StaticReason, b.ErrorCode, "")
	if b.FlagMetadata["revision"] != "r1" {
		t.Errorf("its metadata are %v", b.FlagMetadata)
	}
	str, _ := c.StringValueDetails(ctx, "text", "", nobody)
	check("a string", str.Value, "x", str.Reason, of.StaticReason, str.ErrorCode, "")
	i, _ := c.IntValueDetails(ctx, "whole", 0, nobody)
	check("a whole number", i.Value, int64(7), i.Reason, of.StaticReason, i.ErrorCode, "")
	f, _ := c.FloatValueDetails(ctx, "whole", 0, nobody)
	check("a number", f.Value, 7.0, f.Reason, of.StaticReason, f.ErrorCode, "")
	o, _ := c.ObjectValueDetails(ctx, "object", nil, nobody)
	check("an object", o.Value, map[string]any{"n": []any{1.0}}, o.Reason, of.StaticReason, o.ErrorCode, "")

	b, _ = c.BooleanValueDetails(ctx, "nope", true, nobody)
	check("no key", b.Value, true, b.Reason, of.ErrorReason, b.ErrorCode, of.FlagNotFoundCode)
	b, _ = c.BooleanValueDetails(ctx, "text", true, nobody)
	check("a string as a boolean", b.Value, true, b.Reason, of.ErrorReason, b.ErrorCode, of.TypeMismatchCode)
	b, _ = c.BooleanValueDetails(ctx, "null", true, nobody)
	check("null as a boolean", b.Value, true, b.Reason, of.ErrorReason, b.ErrorCode, of.TypeMismatchCode)
	str, _ = c.StringValueDetails(ctx, "flag", "d", nobody)
	check("a boolean as a string", str.Value, "d", str.Reason, of.ErrorReason, str.ErrorCode, of.TypeMismatchCode)
	i, _ = c.IntValueDetails(ctx, "half", 3, nobody)
	check("a half as a whole number", i.Value, int64(3), i.Reason, of.ErrorReason, i.ErrorCode, of.TypeMismatchCode)
	f, _ = c.FloatValueDetails(ctx, "text", 3, nobody)
	check("a string as a number", f.Value, 3.0, f.Reason, of.ErrorReason, f.ErrorCode, of.TypeMismatchCode)
	o, _ = c.ObjectValueDetails(ctx, "whole", "d", nobody)
	check("a number as an object", o.Value, "d", o.Reason, of.ErrorReason, o.ErrorCode, of.TypeMismatchCode)
}

func TestEvents(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.set(`{"a":1,"b":1}`)
	api, p := isolated.NewAPI(), connect(t, s)
	hear := func(kind of.EventType) chan of.EventDetails {
		out := make(chan of.EventDetails, 100)
		f := func(d of.EventDetails) { out <- d }
		api.AddHandler(kind, &f)
		return out
	}
	ready, stale, moved := hear(of.ProviderReady), hear(of.ProviderStale), hear(of.ProviderConfigChange)
	if err := api.SetProviderAndWait(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	await(t, ready)
	s.set(`{"a":2,"c":1}`)
	var keys []string
	for !slices.Equal(keys, []string{"a", "b", "c"}) { // at once, or one after the other
		keys = append(keys, await(t, moved).FlagChanges...)
		slices.Sort(keys)
		keys = slices.Compact(keys)
	}
	s.configs.Store(nil)
	await(t, stale)
	b, _ := api.NewClient().IntValueDetails(t.Context(), "a", 0, of.EvaluationContext{})
	if b.Value != 2 || b.Reason != of.CachedReason {
		t.Errorf("while the server is away the value is %v, %s", b.Value, b.Reason)
	}
	s.set(`{"a":2,"c":1}`)
	await(t, ready)
	if err := api.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	p.Shutdown() // again is nothing
}

func await(t *testing.T, events <-chan of.EventDetails) of.EventDetails {
	t.Helper()
	select {
	case d := <-events:
		return d
	case <-time.After(20 * time.Second):
		t.Fatal("no event came")
		return of.EventDetails{}
	}
}

func TestNothingToRead(t *testing.T) {
	t.Parallel()
	s := serve(t)
	p := connect(t, s)
	t.Cleanup(p.Shutdown)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	var failed *of.ProviderInitError
	if err := p.InitWithContext(ctx, of.EvaluationContext{}); !errors.As(err, &failed) || failed.ErrorCode != of.ProviderNotReadyCode {
		t.Errorf("it begins with %v, want that it is not ready", err)
	}
	got := p.BooleanEvaluation(t.Context(), "a", true, nil)
	if !got.Value || got.ResolutionDetail().ErrorCode != of.ProviderNotReadyCode {
		t.Errorf("without anything known a flag is %+v", got)
	}
}
