package changes

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/definitions"
)

// Defined is a definition as it is now, and the change that waits to make or replace it, if one does.
type Defined struct {
	Definition models.Definition // of a change that waits: as it will be
	Change     *models.Change    // nil when the definition holds at once
}

// Define makes a definition. One that moves no resolved value holds at once; one that does is a change, and waits where
// an environment that it touches has stages. See definitions.Service.Create and Submit for errors.
func (s *Service) Define(ctx context.Context, in definitions.In) (Defined, error) {
	d, err := s.Definitions.Create(ctx, in)
	return s.defined(ctx, d, err)
}

// Redefine is Define for a definition that is there; ifMatch may name the state of it that the caller knows.
func (s *Service) Redefine(ctx context.Context, tenantID, key string, in definitions.Patch, ifMatch string) (Defined, error) {
	d, err := s.Definitions.Update(ctx, tenantID, key, in, ifMatch)
	return s.defined(ctx, d, err)
}

func (s *Service) defined(ctx context.Context, d models.Definition, err error) (Defined, error) {
	moves, isChange := errors.AsType[definitions.MovesError](err)
	if !isChange {
		return Defined{Definition: d}, err
	}
	d = moves.Definition
	out, err := s.Submit(ctx, Draft{
		TenantID: d.TenantID, Environment: moves.Environments[len(moves.Environments)-1], Origin: models.OriginEdit, Pointer: Single,
		Items: []Edit{{Key: d.Key, Op: models.OpDefine, Definition: d.Defines(), BaseVersion: &d.Version}},
	})
	if err != nil {
		return Defined{}, inDocument(err)
	}
	if !out.Live() {
		return Defined{Definition: d, Change: &out.Change}, nil
	}
	d, err = s.Definitions.Get(ctx, d.TenantID, d.Key)
	return Defined{Definition: d}, err
}

// inDocument points at the members of a definition that is a document of its own, not the member of an item.
func inDocument(err error) error {
	known, ok := errors.AsType[*models.Error](err)
	if !ok {
		return err
	}
	moved := *known
	moved.Fields = slices.Clone(known.Fields)
	for i := range moved.Fields {
		moved.Fields[i].Pointer = strings.TrimPrefix(moved.Fields[i].Pointer, "/definition")
	}
	return &moved
}
