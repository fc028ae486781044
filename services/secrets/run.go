package secrets

import (
	"context"
	"maps"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/services/store"
)

const (
	// lookEvery is how soon a node hears of a data key that another one rotated or shredded.
	lookEvery = time.Minute
	// lookTimeout bounds one look.
	lookTimeout = 20 * time.Second
	// lookBatch is how many tenants one statement asks about.
	lookBatch = 1000
)

// Run looks every minute whether data keys in memory were rotated or shredded by another node, until the context ends.
// While the database does not answer, what is in memory stays.
func (s *Service) Run(ctx context.Context) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			if err := s.Look(ctx); err != nil {
				s.log.WarnContext(ctx, "data keys in memory are not compared with the database", "error", err)
			}
		case <-ctx.Done():
			return
		}
	}
}

// Look reads anew all data keys in memory that another node rotated, and drops those that were shredded.
func (s *Service) Look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	held := s.kept.versions()
	for tenantID, r := range s.rings.All() {
		held[tenantID] = r.version
	}
	for chunk := range slices.Chunk(slices.Collect(maps.Keys(held)), lookBatch) {
		stored, err := s.versions(ctx, chunk)
		if err != nil {
			return err
		}
		for _, tenantID := range chunk {
			if stored[tenantID] == held[tenantID] {
				s.kept.trust(tenantID, held[tenantID])
				continue
			}
			if err := s.reload(ctx, tenantID, stored[tenantID]); err != nil {
				return err
			}
		}
	}
	return nil
}

// reload follows what happened to a tenant's row: version 0 is one that was shredded.
func (s *Service) reload(ctx context.Context, tenantID string, version int64) error {
	if version == 0 {
		s.Forget(tenantID)
		return nil
	}
	if _, held := s.rings.GetIfPresent(tenantID); !held { // nobody needs it but who keeps it
		s.kept.forget(tenantID)
		return s.Keep(ctx, tenantID)
	}
	return s.load(ctx, tenantID)
}

// versions tells how often the rows of data keys that still exist were written.
func (s *Service) versions(ctx context.Context, tenantIDs []string) (map[string]int64, error) {
	var found []string
	var versions []int64
	err := s.system(ctx, func(ctx context.Context, _ *gorm.DB) error {
		return store.Send(ctx, store.Statement{
			SQL: `
				SELECT coalesce(array_agg(tenant_id), '{}'), coalesce(array_agg(version), '{}')
				FROM tenant_keys WHERE tenant_id = ANY (CAST(@tenants AS text[])) AND destroyed_at IS NULL`,
			Args: map[string]any{"tenants": tenantIDs}, Into: []any{&found, &versions},
		})
	})
	out := make(map[string]int64, len(found))
	for i, tenantID := range found {
		out[tenantID] = versions[i]
	}
	return out, err
}
