package read

import (
	"context"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/snapshots"
	"github.com/hotswap/hotswap/web"
)

const (
	// rightsEvery is how often all streams are held against the rights of now.
	rightsEvery = 500 * time.Millisecond
	// Whoever loses the connection shall come back after a time between these two.
	soonestRetry, latestRetry = time.Second, 5 * time.Second
	// maxShards is how many loops write.
	maxShards = 8
)

// Rights finds the actor of now behind one of earlier; false when its credential opens nothing any more.
type Rights func(models.Actor) (models.Actor, bool)

// StreamOptions are what streams are made of.
type StreamOptions struct {
	Snapshots *snapshots.Service
	Rights    func(context.Context) (Rights, error) // a picture of now
	Now       func() time.Time
	Metrics   prometheus.Registerer
	Limits    StreamLimits
	Heartbeat time.Duration // 0: 15 s
	Stall     time.Duration // how long a caller may take nothing of what waits for it; 0: 30 s
}

// Streams are the open streams of the node. They are no goroutines: a few loops write to all connections.
type Streams struct {
	options   StreamOptions
	admission *admission
	metrics   streamMetrics
	shards    []*shard
	next      atomic.Uint64 // spreads streams over shards

	heartbeat []byte

	mu      sync.Mutex
	closing bool // no stream begins any more
	cut     bool // those that are there are cut
	open    sync.WaitGroup
}

// NewStreams has none yet. Those that begin before Run hear nothing until then.
func NewStreams(o StreamOptions) *Streams {
	if o.Heartbeat == 0 {
		o.Heartbeat = 15 * time.Second
	}
	if o.Stall == 0 {
		o.Stall = 30 * time.Second
	}
	s := &Streams{options: o, admission: newAdmission(o.Limits), metrics: newStreamMetrics(o.Metrics), heartbeat: []byte(": hb\n\n")}
	for range min(runtime.GOMAXPROCS(0), maxShards) {
		s.shards = append(s.shards, newShard(s))
	}
	return s
}

// Run writes to the streams until the context ends, and then cuts those that are still open.
func (s *Streams) Run(ctx context.Context) {
	writing, stop := context.WithCancel(context.WithoutCancel(ctx))
	var loops sync.WaitGroup
	for _, shard := range s.shards {
		loops.Go(func() { shard.run(writing) })
	}
	s.guard(ctx)
	s.close(true)
	for _, shard := range s.shards {
		for _, each := range shard.all(nil) {
			each.cut()
		}
	}
	s.open.Wait()
	stop()
	loops.Wait()
}

// guard ends streams whose actors lost the right to them, until the context ends.
func (s *Streams) guard(ctx context.Context) {
	tick := time.NewTicker(rightsEvery)
	defer tick.Stop()
	var streams []*stream
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		rights, err := s.options.Rights(ctx)
		if err != nil {
			continue // what was known still holds
		}
		for _, shard := range s.shards {
			streams = shard.all(streams[:0])
			for _, each := range streams {
				each.check(rights)
			}
		}
		clear(streams)
	}
}

// close lets no stream begin any more.
func (s *Streams) close(cut bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing, s.cut = true, s.cut || cut
}

// ending tells whether a stream that was let in before is to end now, or to be cut.
func (s *Streams) ending() (closing, cut bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closing, s.cut
}

// Drain ends all streams and asks their callers to come back one after another, here or elsewhere. What has not ended
// with the context is cut by the end of Run.
func (s *Streams) Drain(ctx context.Context) {
	s.close(false)
	latest := latestRetry + s.admission.spread()
	for _, shard := range s.shards {
		for _, each := range shard.all(nil) {
			each.finish(snapshots.End{Reason: snapshots.EndShutdown, Code: models.CodeUnavailable}, retryFrame(soonestRetry, latest))
		}
	}
	ended := make(chan struct{})
	go func() { s.open.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-ctx.Done():
	}
}

// retryFrame says how long to wait before coming back: some time between the two, so that not all come at once.
func retryFrame(from, to time.Duration) []byte {
	wait := from + rand.N(to-from+1) //nolint:gosec // no secret
	return append(strconv.AppendInt([]byte("retry: "), wait.Milliseconds(), 10), "\n\n"...)
}

// Open answers with a stream of the topic. The caller has checked the rights to it. unavailable: there are too many, or
// too many at once.
func (s *Streams) Open(c echo.Context, topic snapshots.Topic) error {
	header := c.Response().Header()
	header.Set(echo.HeaderContentType, "text/event-stream")
	header.Set(echo.HeaderCacheControl, "no-store")
	header.Set("X-Accel-Buffering", "no") // a proxy that holds events back is none
	err := s.begin(c, topic)
	if err != nil {
		header.Del("X-Accel-Buffering")
		header.Del(echo.HeaderContentType)
	}
	return err
}

func (s *Streams) begin(c echo.Context, topic snapshots.Topic) error {
	ctx := c.Request().Context()
	if web.IsHead(ctx) {
		return c.NoContent(http.StatusOK)
	}
	actor, ok := models.ActorFrom(ctx)
	if !ok {
		return models.Unauthenticated()
	}
	each := &stream{streams: s, topic: topic, actor: models.Actor{ActorRef: actor.ActorRef, KeyID: actor.KeyID, Until: actor.Until}}
	if err := s.enter(each); err != nil {
		return err
	}
	watch, err := s.options.Snapshots.Watch(ctx, topic, c.Request().Header.Get("Last-Event-ID"), each)
	if err != nil {
		s.leave(each)
		return err
	}
	each.watch = watch
	return each.start(c)
}

// enter lets a stream in, or says why not.
func (s *Streams) enter(each *stream) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return s.refused("closing", "this node is not serving streams now")
	}
	if bound := s.admission.enter(each.topic, s.options.Now()); bound != "" {
		s.lookForClosed()
		return s.refused(bound, "there are too many streams; poll, or come back in a moment")
	}
	s.open.Add(1)
	s.metrics.open(each.topic).Inc()
	each.shard = s.shards[s.next.Add(1)%uint64(len(s.shards))]
	return nil
}

func (s *Streams) refused(bound, message string) error {
	s.metrics.refused.WithLabelValues(bound).Inc()
	return models.Unavailable(message, time.Second+rand.N(3*time.Second)) //nolint:gosec // no secret
}

// lookForClosed makes room where callers are gone and nobody noticed yet.
func (s *Streams) lookForClosed() {
	for _, shard := range s.shards {
		shard.lookNow()
	}
}

func (s *Streams) leave(each *stream) {
	s.admission.leave(each.topic)
	s.metrics.open(each.topic).Dec()
	s.open.Done()
}
