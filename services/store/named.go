package store

import (
	"context"
	"fmt"
	"sync"

	"github.com/jackc/pgx/v5"
)

// named remembers statements with named arguments in the form that the database takes, so that each is
// rewritten once.
type named struct{ known sync.Map } // SQL → positional

type positional struct {
	sql   string
	names []string // of $1, $2, …
}

// queue adds a statement to the batch.
func (n *named) queue(ctx context.Context, batch *pgx.Batch, s Statement) error {
	p, err := n.positional(ctx, s)
	if err != nil {
		return err
	}
	args := make([]any, len(p.names))
	for i, name := range p.names {
		value, ok := s.Args[name]
		if !ok {
			return fmt.Errorf("store: the argument @%s is missing", name)
		}
		args[i] = value
	}
	batch.Queue(p.sql, args...)
	return nil
}

func (n *named) positional(ctx context.Context, s Statement) (positional, error) {
	if p, ok := n.known.Load(s.SQL); ok {
		return p.(positional), nil //nolint:forcetypeassert // the map holds nothing else
	}
	self := pgx.NamedArgs{}
	for name := range s.Args {
		self[name] = name
	}
	sql, names, err := self.RewriteQuery(ctx, nil, s.SQL, nil)
	if err != nil {
		return positional{}, fmt.Errorf("store: name the arguments: %w", err)
	}
	p := positional{sql: sql}
	for _, name := range names {
		text, _ := name.(string) // we put strings in; an argument that was not given stays nil
		p.names = append(p.names, text)
	}
	n.known.Store(s.SQL, p)
	return p, nil
}
