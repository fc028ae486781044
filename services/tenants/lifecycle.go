package tenants

import (
	"context"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/store"
)

// The audit actions on the life of a tenant. A suspension is a change, and has the entries of one.
const (
	ActionActivate = "tenant.activate"
	ActionDelete   = "tenant.delete"
	ActionPurge    = "tenant.purge"
)

// Activate ends a suspension, or undoes a deletion that is not older than models.DeletionUndo: keys and bindings work
// again, changes that were cancelled stay so. conflict: the tenant is active; not_found: there is none, or no more.
func (s *Service) Activate(ctx context.Context, id string) (t models.Tenant, err error) {
	err = s.turn(ctx, id, readUndoable, func(ctx context.Context, tx *gorm.DB, now models.Tenant) error {
		if err := now.Activatable(); err != nil {
			return err
		}
		t = now
		t.Status, t.DeletedAt = models.TenantActive, nil
		return s.activate(ctx, tx, now, &t)
	})
	return t, err
}

func (s *Service) activate(ctx context.Context, tx *gorm.DB, before models.Tenant, t *models.Tenant) error {
	if err := succeed(tx, before, t, nil); err != nil {
		return err
	}
	if err := moveHeads(ctx, tx, t.ID, before.Status == models.TenantDeleted); err != nil {
		return err
	}
	return s.log.Record(ctx, tx, t.ID, t.UpdatedAt, models.Act{
		Action: ActionActivate, Resource: "tenant/" + t.ID, Before: document(before), After: document(*t),
	})
}

// Delete ends a suspended tenant: from now on it is not found, its changes are cancelled, its deployments aborted and
// its keys refused. Activate undoes that for models.DeletionUndo; then its values are purged. confirm is the tenant's
// id, as the caller typed it: invalid if it is another. conflict: the tenant is not suspended; precondition_failed:
// ifMatch names another state of it.
func (s *Service) Delete(ctx context.Context, id, confirm, ifMatch string) error {
	return s.turn(ctx, id, Read, func(ctx context.Context, tx *gorm.DB, now models.Tenant) error {
		if confirm != id {
			return models.Invalid("/confirm", "repeat the id of the tenant to delete it")
		}
		if err := models.CheckTag(ifMatch, now.Tag()); err != nil {
			return err
		}
		if err := now.Deletable(); err != nil {
			return err
		}
		return s.delete(ctx, tx, now)
	})
}

func (s *Service) delete(ctx context.Context, tx *gorm.DB, before models.Tenant) error {
	t := before
	t.Status = models.TenantDeleted
	if err := succeed(tx, before, &t, nil); err != nil {
		return err
	}
	acts := []models.Act{{
		Action: ActionDelete, Resource: "tenant/" + t.ID, Before: document(before), After: document(t),
	}}
	for _, end := range []func(*gorm.DB, models.Tenant) ([]models.Act, error){cancelChanges, abortDeployments} {
		ended, err := end(tx, t)
		if err != nil {
			return err
		}
		acts = append(acts, ended...)
	}
	due := Purge{TenantID: t.ID, DeletedAt: t.UpdatedAt}
	if err := store.Enqueue(ctx, tx, due, t.UpdatedAt.Add(models.DeletionUndo)); err != nil {
		return err
	}
	if err := moveHeads(ctx, tx, t.ID, true); err != nil {
		return err
	}
	return s.log.Record(ctx, tx, t.ID, t.UpdatedAt, acts...)
}

// cancelChanges ends the open changes of a tenant. It writes past services/changes, which works on top of this package:
// nothing of a change is decided here, and with its tenant none of them can go on.
func cancelChanges(tx *gorm.DB, t models.Tenant) ([]models.Act, error) {
	var ended []struct {
		ID, Environment, Title, Digest string
		Items                          int64
	}
	err := tx.Raw(`
		UPDATE changes c SET status = ?, version = c.version + 1, updated_at = ?
		WHERE c.tenant_id = ? AND c.status IN ('draft', 'pending', 'approved', 'scheduled', 'deploying')
		RETURNING c.id, c.environment, c.title, c.digest,
			(SELECT count(*) FROM change_items i WHERE i.tenant_id = c.tenant_id AND i.change_id = c.id) AS items`,
		models.ChangeCancelled, t.UpdatedAt, t.ID).Scan(&ended).Error
	acts := make([]models.Act, len(ended))
	for i, c := range ended {
		acts[i] = models.Act{
			Action: "change.cancel", Resource: "change/" + c.ID,
			After: models.Object(map[string]models.Value{
				"digest": models.Text(c.Digest), "environment": models.Text(c.Environment), "items": models.Int(c.Items),
				"status": models.Text(string(models.ChangeCancelled)), "title": models.Text(c.Title),
			}),
		}
	}
	return acts, err
}

// abortDeployments ends what of a tenant's is on its way. What is live already is watched to its end by nobody.
func abortDeployments(tx *gorm.DB, t models.Tenant) ([]models.Act, error) {
	var ended []struct{ ID, ChangeID string }
	err := tx.Raw(`
		UPDATE deployments SET status = ?, reason = 'the tenant was deleted', ended_at = ?, version = version + 1
		WHERE tenant_id = ? AND status IN ('queued', 'running', 'paused') RETURNING id, change_id`,
		models.DeploymentAborted, t.UpdatedAt, t.ID).Scan(&ended).Error
	acts := make([]models.Act, len(ended))
	for i, d := range ended {
		acts[i] = models.Act{
			Action: "deployment.abort", Resource: "deployment/" + d.ID,
			After: models.Object(map[string]models.Value{
				"changeId": models.Text(d.ChangeID), "status": models.Text(string(models.DeploymentAborted)),
			}),
		}
	}
	return acts, err
}

// Deletion is what a tenant holds, for who is about to delete it.
type Deletion struct {
	Values      int64 // live, in all environments
	Keys        int64 // API keys that were not revoked
	Bindings    int64
	OpenChanges int64
}

// DeletionPreview counts what a deletion ends. Errors are those of Delete, but any tenant's may be looked at.
func (s *Service) DeletionPreview(ctx context.Context, id string) (d Deletion, err error) {
	if err := mayEnd(ctx, id); err != nil {
		return d, err
	}
	err = s.db.Tx(ctx, func(_ context.Context, tx *gorm.DB) error {
		if _, err := Read(tx, id); err != nil {
			return err
		}
		return tx.Raw(`SELECT
			(SELECT count(*) FROM configs WHERE tenant_id = @id AND live IS NOT NULL) AS values,
			(SELECT count(*) FROM api_keys WHERE tenant_id = @id AND revoked_at IS NULL) AS keys,
			(SELECT count(*) FROM role_bindings WHERE tenant_id = @id) AS bindings,
			(SELECT count(*) FROM changes WHERE tenant_id = @id
				AND status IN ('draft', 'pending', 'approved', 'scheduled', 'deploying')) AS open_changes`,
			map[string]any{"id": id}).Scan(&d).Error
	})
	return d, err
}

// turn runs fn on the tenant as it is under the locks of its chain, for who manages tenants.
func (s *Service) turn(ctx context.Context, id string, read func(*gorm.DB, string) (models.Tenant, error),
	fn func(context.Context, *gorm.DB, models.Tenant) error,
) error {
	if err := mayEnd(ctx, id); err != nil {
		return err
	}
	known, err := s.directory.Get(ctx, id)
	if err != nil {
		return err
	}
	return s.db.Write(ctx, known.Chain(), func(ctx context.Context, tx *gorm.DB) error {
		now, err := read(tx, id)
		if err != nil {
			return err
		}
		return fn(ctx, tx, now)
	})
}

// readUndoable is Read, and finds deleted tenants as well while their deletion can be undone.
func readUndoable(tx *gorm.DB, id string) (models.Tenant, error) {
	return readWhere(tx, id, `(status <> 'deleted' OR purged_at IS NULL AND deleted_at > clock_timestamp() - interval '30 days')`)
}

// moveHeads tells all nodes of the tenant's status, and, if the tenant comes or goes, of its keys and bindings.
func moveHeads(ctx context.Context, tx *gorm.DB, id string, access bool) error {
	if err := store.MoveHead(ctx, tx, id, models.HeadTenant); err != nil || !access {
		return err
	}
	if err := store.ControlMoved(ctx, tx, models.HeadKeys); err != nil {
		return err
	}
	return store.ControlMoved(ctx, tx, models.HeadRoles)
}

// mayEnd tells whether the actor decides on the life of tenants. A tenant's own admin does not.
func mayEnd(ctx context.Context, id string) error {
	actor, ok := models.ActorFrom(ctx)
	switch {
	case !ok:
		return models.Unauthenticated()
	case managesTenants(ctx):
		return nil
	case !actor.Sees(id):
		return models.NotFound("tenant")
	default:
		return models.Forbidden("this needs the permission " + string(models.PermManageTenants) + " on the platform")
	}
}

// managesTenants tells whether the actor manages all tenants. To others, deleted ones do not exist.
func managesTenants(ctx context.Context) bool {
	actor, _ := models.ActorFrom(ctx)
	return actor.Everywhere(models.PermManageTenants, models.Platform)
}
