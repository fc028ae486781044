package snapshots

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/hotswap/hotswap/models"
)

const (
	// channel is where nodes tell each other that heads moved.
	channel = "hs:heads"
	// maxNamed is how many heads a notice names; one of more names none.
	maxNamed = 100
	// noticeQueue is how many commits may wait to be told of; the scan of the others finds the rest.
	noticeQueue = 256
	// renewalQueue is how many sets may wait to be made anew; the reader who needs one of the rest loads it.
	renewalQueue = 256
	// quietFor is how long nothing may be heard before the connection is asked whether it lives.
	quietFor = 5 * time.Second
	// Between two tries to listen lies a growing time, up to the second one.
	firstPause, longestPause = 100 * time.Millisecond, 5 * time.Second
)

// A notice says "look at heads": it names those that moved, as [layer, environment, revision]. It carries no
// values, and whoever hears it believes nothing of it but that a look may be worth it: what is forged makes a
// node look in vain, and what is lost is found by the scan.
type notice []noticed

type noticed struct {
	models.HeadKey

	Revision int64
}

// MarshalJSON writes an array of three.
func (n noticed) MarshalJSON() ([]byte, error) {
	return json.Marshal([]any{n.TenantID, n.Environment, n.Revision})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (n *noticed) UnmarshalJSON(raw []byte) error {
	parts := []any{&n.TenantID, &n.Environment, &n.Revision}
	if err := json.Unmarshal(raw, &parts); err != nil {
		return err
	}
	if len(parts) != 3 {
		return errors.New("a head is named by three parts")
	}
	return nil
}

// Committed is told of the heads that a transaction of this node moved, after its commit and before its answer
// leaves. No read that begins afterwards is older. The layer sets that readers here had are made anew beside it,
// and the other nodes hear of it.
func (s *Service) Committed(moved []models.Head) {
	s.Raise(moved)
	for _, h := range moved {
		if _, held := s.sets.GetEntryQuietly(h.Key()); held {
			offer(s.renewals, h.Key())
		}
	}
	if s.redis != nil {
		offer(s.announcements, moved)
	}
}

// offer never waits.
func offer[T any](queue chan T, item T) {
	select {
	case queue <- item:
	default:
	}
}

// renewSets loads what was committed here before the first reader asks for it, until the context ends.
func (s *Service) renewSets(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case key := <-s.renewals:
			_, _ = s.set(ctx, link{key, s.heads.at(key)}) // the reader who needs it hears of the error
		}
	}
}

// announce tells the other nodes what was committed here, until the context ends. What piled up is told at once.
func (s *Service) announce(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case moved := <-s.announcements:
			for len(s.announcements) > 0 && len(moved) <= maxNamed {
				moved = append(slices.Clip(moved), <-s.announcements...)
			}
			s.publish(ctx, moved)
		}
	}
}

func (s *Service) publish(ctx context.Context, moved []models.Head) {
	said := notice{}
	if len(moved) <= maxNamed {
		for _, h := range moved {
			said = append(said, noticed{h.Key(), h.Revision})
		}
	}
	message, err := json.Marshal(said)
	if err == nil {
		err = s.redis.publish(ctx, message)
	}
	if err != nil {
		s.metrics.notices.failed.Inc()
		return
	}
	s.metrics.notices.sent.Inc()
}

// listen hears what other nodes commit, until the context ends. It says once that it cannot, and once that it can again.
func (s *Service) listen(ctx context.Context) {
	pause, deaf := firstPause, false
	for {
		err := s.hear(ctx, func() {
			if deaf {
				s.log.InfoContext(ctx, "notices of other nodes are heard again")
			}
			pause, deaf = firstPause, false
		})
		if ctx.Err() != nil {
			return
		}
		if !deaf {
			s.log.WarnContext(ctx, "notices of other nodes are not heard: what they write is seen within two seconds", slog.Any("error", err))
			deaf = true
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause/2 + rand.N(pause)): //nolint:gosec // no secret: the nodes shall not come back all at once
		}
		pause = min(2*pause, longestPause)
	}
}

// hear listens on one connection until it breaks.
func (s *Service) hear(ctx context.Context, connected func()) (err error) {
	defer rescue(&err)
	heard := s.redis.client.Subscribe(ctx)
	defer heard.Close()                                          // it is broken, or we stop
	defer context.AfterFunc(ctx, func() { _ = heard.Close() })() // ends a read that waits
	if err := subscribe(ctx, heard); err != nil {
		return err
	}
	connected()
	s.look() // at what was said while nobody listened
	for asked := false; ; {
		message, err := heard.ReceiveTimeout(ctx, quietFor)
		switch {
		case err == nil:
			asked = false
			if m, ok := message.(*redis.Message); ok {
				s.heed(m.Payload)
			}
		case isTimeout(err) && !asked:
			asked = true
			if err := heard.Ping(ctx); err != nil {
				return err
			}
		default:
			return err
		}
	}
}

func subscribe(ctx context.Context, heard *redis.PubSub) error {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	if err := heard.Subscribe(ctx, channel); err != nil {
		return err
	}
	_, err := heard.ReceiveTimeout(ctx, dialTimeout)
	return err
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

// heed looks at heads if the notice names one that is not known here. Our own name none.
func (s *Service) heed(message string) {
	s.metrics.notices.heard.Inc()
	var said notice
	if err := json.Unmarshal([]byte(message), &said); err != nil {
		said = nil
	}
	for _, n := range said {
		if s.heads.revision(n.HeadKey) >= n.Revision {
			continue
		}
		s.look()
		return
	}
	if len(said) == 0 {
		s.look()
	}
}

// look asks for a scan now.
func (s *Service) look() { offer(s.wake, struct{}{}) }
