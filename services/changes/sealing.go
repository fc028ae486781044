package changes

import (
	"context"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/secrets"
	"github.com/hotswap/hotswap/services/store"
)

// open puts the sensitive values that a change brings in clear beside their seals, for checks.
func (s *Service) open(ctx context.Context, c *models.Change) error {
	var sealed []models.Value
	for i := range c.Items {
		if item := &c.Items[i]; item.Op == models.OpSet && item.Value.IsSealed() {
			sealed = append(sealed, item.Value)
		}
	}
	if len(sealed) == 0 {
		return nil
	}
	ciphertexts, err := secrets.Read(ctx, c.TenantID, sealed...)
	if err != nil {
		return err
	}
	for i := range c.Items {
		item := &c.Items[i]
		at, ok := item.Value.Sealed()
		if !ok || item.Op != models.OpSet {
			continue
		}
		if item.Clear, err = s.Secrets.Open(c.TenantID, item.Key, item.Value, ciphertexts[at.ID]); err != nil {
			return err
		}
	}
	return nil
}

// seal stores the sensitive values that have no seal yet, and leaves their seals in their place.
func (s *Service) seal(ctx context.Context, c *models.Change) error {
	var rows []secrets.Row
	for i := range c.Items {
		item := &c.Items[i]
		if !item.Sensitive || item.Op != models.OpSet || item.Value != "" {
			continue
		}
		text, row, err := s.Secrets.Seal(c.TenantID, item.Key, item.Clear)
		if err != nil {
			return err
		}
		item.Value, rows = text, append(rows, row)
	}
	if len(rows) == 0 {
		return nil
	}
	return store.Send(ctx, secrets.Insert(c.TenantID, rows))
}
