// Package demo fills an empty installation the way its users would: through the services, as people. What it
// makes is in tables, by use of the keys; what it does with them is in demo.go and step.go.
package demo

import (
	"context"
	"errors"
	"fmt"

	"github.com/hotswap/hotswap/cmd/hotswap/server"
	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/changes"
	"github.com/hotswap/hotswap/services/definitions"
)

// FirstTenant is the tenant most of the stories are about.
const FirstTenant = "globex"

// seeder makes the demo data.
type seeder struct {
	server.Services

	people map[string]models.Actor // by the name of the account
	made   map[place]models.Change // what an earlier start left
}

// Seed makes the demo data unless it is there. keys are API keys by the name of the account: admin, engineer,
// engineer2, manager and compliance. A start that was cut short is completed by the next one: every tenant,
// definition and change is recognised, and a change goes on where it stands.
func Seed(ctx context.Context, services server.Services, keys map[string]string) error {
	s := &seeder{Services: services, people: map[string]models.Actor{}, made: map[place]models.Change{}}
	if err := s.gather(ctx, keys); err != nil {
		return err
	}
	// The last tenant comes last: where it is, all of the demo is.
	last := len(companies) - 1
	_, err := s.Tenants.Get(s.as(ctx, admin), companies[last].id)
	if !is(err, models.CodeNotFound) {
		return err
	}
	if err := s.tenants(ctx, companies[:last]); err != nil {
		return err
	}
	if err := s.definitions(ctx); err != nil {
		return err
	}
	if err := s.changes(ctx); err != nil {
		return err
	}
	return s.tenants(ctx, companies[last:])
}

func is(err error, code models.Code) bool {
	known, ok := errors.AsType[*models.Error](err)
	return ok && known.Code == code
}

// gather has everybody come in with their personal key.
func (s *seeder) gather(ctx context.Context, keys map[string]string) error {
	for _, name := range []string{admin, engineer, engineer2, manager, compliance} {
		actor, err := s.Access.Authenticate(ctx, keys[name])
		if err != nil {
			return fmt.Errorf("the account %s: %w", name, err)
		}
		s.people[name] = actor
	}
	return nil
}

// as is the context in which somebody acts.
func (s *seeder) as(ctx context.Context, name string) context.Context {
	return models.WithActor(ctx, s.people[name])
}

func (s *seeder) tenants(ctx context.Context, list []company) error {
	for _, c := range list {
		if _, err := s.Tenants.Create(s.as(ctx, admin), c.in()); err != nil && !is(err, models.CodeConflict) {
			return fmt.Errorf("the tenant %s: %w", c.id, err)
		}
	}
	return nil
}

// definitions come before values: what is sensitive is so before a value exists.
func (s *seeder) definitions(ctx context.Context) error {
	for _, k := range allKeys() {
		schema, err := parse(k.schema)
		if err != nil {
			return fmt.Errorf("the schema of %s: %w", k.name, err)
		}
		_, err = s.Definitions.Create(s.as(ctx, admin), definitions.In{
			TenantID: models.Platform, Key: k.name, Type: k.kind, Description: k.about, Schema: schema, Sensitive: k.secret, Merge: k.merge(),
		})
		_, has := errors.AsType[definitions.MovesError](err) // values are live already, so an earlier start has defined it
		if err != nil && !has && !is(err, models.CodeConflict) {
			return fmt.Errorf("the key %s: %w", k.name, err)
		}
	}
	return nil
}

// parse reads JSON as the tables hold it; empty is none.
func parse(text string) (models.Value, error) {
	if text == "" {
		return "", nil
	}
	return models.ParseValue([]byte(text))
}

// changes takes everything through change and review: first what each layer starts with, then what people
// did with it.
func (s *seeder) changes(ctx context.Context) error {
	if err := s.recall(ctx); err != nil {
		return err
	}
	for _, table := range [][]step{startingValues(), productStories, customerStories, undecided} {
		for _, st := range table {
			if err := s.carry(ctx, st); err != nil {
				return fmt.Errorf("%q on %s in %s: %w", st.title, st.layer, st.environment, err)
			}
		}
	}
	return nil
}

// recall finds the changes that an earlier start made.
func (s *seeder) recall(ctx context.Context) error {
	page := models.Page{Limit: models.MaxLimit}
	for {
		list, err := s.Changes.List(s.as(ctx, admin), changes.Filter{Page: page})
		if err != nil {
			return err
		}
		for _, c := range list.Items {
			s.made[place{c.TenantID, c.Environment, c.Title}] = c
		}
		if page.Cursor = list.Next; page.Cursor == "" {
			return nil
		}
	}
}
