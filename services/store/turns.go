package store

import (
	"context"
	"sync"
	"time"
)

// turnTimeout bounds the wait for a layer's turn.
const turnTimeout = 500 * time.Millisecond

// abreast is how many writers of a layer are at the database at a time: one that writes, and one that gets
// ready meanwhile and waits for the layer's lock.
const abreast = 2

// turns lets the writers of one layer pass first come first served. Who waits here holds no connection, so a
// busy layer never takes the pool from its neighbours.
type turns struct {
	mu    sync.Mutex
	queue map[string][]chan struct{} // the first ones have their turn
}

// take waits for the layer's turn and returns what ends it; ending it twice is ending it once.
func (t *turns) take(ctx context.Context, layer string) (func(), error) {
	mine := t.join(layer)
	timer := time.NewTimer(turnTimeout)
	defer timer.Stop()
	select {
	case <-mine:
		return func() { t.leave(layer, mine) }, nil
	case <-timer.C:
		t.leave(layer, mine)
		return nil, busy()
	case <-ctx.Done():
		t.leave(layer, mine)
		return nil, translate(ctx.Err())
	}
}

func (t *turns) join(layer string) chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.queue == nil {
		t.queue = map[string][]chan struct{}{}
	}
	mine := make(chan struct{})
	t.queue[layer] = append(t.queue[layer], mine)
	if len(t.queue[layer]) <= abreast {
		close(mine)
	}
	return mine
}

// leave takes the caller out of the queue, and calls the next one if the caller had a turn.
func (t *turns) leave(layer string, mine chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	waiting := t.queue[layer]
	for i, c := range waiting {
		if c != mine {
			continue
		}
		waiting = append(waiting[:i:i], waiting[i+1:]...)
		if i < abreast && len(waiting) >= abreast {
			close(waiting[abreast-1])
		}
		break
	}
	if len(waiting) == 0 {
		delete(t.queue, layer)
		return
	}
	t.queue[layer] = waiting
}
