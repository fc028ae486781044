package tenants

import (
	"context"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/audit"
	"github.com/hotswap/hotswap/services/store"
)

// maxName is how many characters the name of a tenant or tier may have.
const maxName = 200

// Service makes and changes tenants, tiers, environments and policies.
type Service struct {
	db        *store.DB
	log       *audit.Log
	directory *Directory
	purged    func(tenantID string) // told after a purge; see OnPurged
}

// New works on the database, writes to the log, and finds tiers in the directory.
func New(db *store.DB, log *audit.Log, directory *Directory) *Service {
	return &Service{db: db, log: log, directory: directory}
}

// In is a tenant as it is asked for.
type In struct {
	TenantID string
	Name     string
	Tier     string       // a tier's name or slug, in any case
	Metadata models.Value // an object; empty for none
}

func (in *In) validate() error {
	var bad []models.FieldError
	if !models.ValidTenantID(in.TenantID) {
		bad = append(bad, models.FieldError{
			Pointer: "/tenantId", Message: "1 to 63 lower-case letters, digits and -, and no - at either end",
		})
	}
	if in.Metadata == "" {
		in.Metadata = "{}"
	}
	return models.InvalidFields(append(bad, badText(&in.Name, &in.Metadata)...))
}

// badText checks what people write about a tenant.
func badText(name *string, metadata *models.Value) (bad []models.FieldError) {
	if name != nil && (strings.TrimSpace(*name) == "" || !models.ValidText(*name, maxName)) {
		bad = append(bad, models.FieldError{Pointer: "/name", Message: "a name has 1 to 200 characters"})
	}
	if metadata != nil && !strings.HasPrefix(string(*metadata), "{") {
		bad = append(bad, models.FieldError{Pointer: "/metadata", Message: "metadata is an object"})
	}
	return bad
}

// Create makes a tenant. forbidden for all but managers of tenants; conflict: the id is or was in use.
func (s *Service) Create(ctx context.Context, in In) (t models.Tenant, err error) {
	if err := mayPlatform(ctx, models.PermManageTenants); err != nil {
		return t, err
	}
	if err := in.validate(); err != nil {
		return t, err
	}
	tier, err := s.tier(ctx, in.Tier)
	if err != nil {
		return t, err
	}
	t = models.Tenant{
		ID: in.TenantID, Name: in.Name, Tier: tier.Name, Status: models.TenantActive, Metadata: string(in.Metadata), Version: 1,
	}
	return t, s.db.Write(ctx, t.Chain(), func(ctx context.Context, tx *gorm.DB) error {
		return s.create(ctx, tx, &t, "tenant.create", "tenant/"+t.ID)
	})
}

// create writes the rows of a new tenant or layer, and its log begins with that.
func (s *Service) create(ctx context.Context, tx *gorm.DB, t *models.Tenant, action, resource string) error {
	at, err := store.Instant(tx)
	if err != nil {
		return err
	}
	t.CreatedAt, t.UpdatedAt = at, at
	made := tx.Exec(`
		INSERT INTO tenants (tenant_id, name, tier, status, metadata, version, created_at, updated_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		t.ID, t.Name, t.Tier, t.Status, t.Metadata, t.Version, at, at)
	switch {
	case made.Error != nil:
		return made.Error
	case made.RowsAffected == 0:
		return models.Conflict("the id is in use, or was")
	}
	if err := writeVersion(tx, *t, at); err != nil {
		return err
	}
	if err := store.MoveHead(ctx, tx, t.ID, models.HeadTenant); err != nil {
		return err
	}
	return s.log.Record(ctx, tx, t.ID, at, models.Act{Action: action, Resource: resource, After: document(*t)})
}

func writeVersion(tx *gorm.DB, t models.Tenant, from time.Time) error {
	return tx.Exec(`
		INSERT INTO tenant_versions (tenant_id, version, name, tier, status, live_from) VALUES (?, ?, ?, ?, ?, ?)`,
		t.ID, t.Version, t.Name, t.Tier, t.Status, from).Error
}

// Patch is what an edit replaces; nil stays as it is.
type Patch struct {
	Name     *string
	Metadata *models.Value
}

// Update edits a tenant's name and metadata. precondition_failed: ifMatch names another state of it.
func (s *Service) Update(ctx context.Context, id string, in Patch, ifMatch string) (t models.Tenant, err error) {
	if err := mayManage(ctx, id); err != nil {
		return t, err
	}
	if err := models.InvalidFields(badText(in.Name, in.Metadata)); err != nil {
		return t, err
	}
	if models.IsLayer(id) && in.Name != nil {
		return t, models.Invalid("/name", "the name of a layer stays")
	}
	known, err := s.directory.Get(ctx, id)
	if err != nil {
		return t, err
	}
	err = s.db.Write(ctx, known.Chain(), func(ctx context.Context, tx *gorm.DB) error {
		if t, err = Read(tx, id); err != nil {
			return err
		}
		if err := models.CheckTag(ifMatch, t.Tag()); err != nil {
			return err
		}
		return s.update(ctx, tx, &t, in)
	})
	return t, err
}

func (s *Service) update(ctx context.Context, tx *gorm.DB, t *models.Tenant, in Patch) error {
	before := *t
	if in.Name != nil {
		t.Name = *in.Name
	}
	if in.Metadata != nil {
		t.Metadata = string(*in.Metadata)
	}
	if t.Name == before.Name && t.Metadata == before.Metadata {
		return nil
	}
	if err := succeed(tx, before, t, nil); err != nil {
		return err
	}
	if err := store.MoveHead(ctx, tx, t.ID, models.HeadTenant); err != nil {
		return err
	}
	return s.log.Record(ctx, tx, t.ID, t.UpdatedAt, models.Act{
		Action: "tenant.update", Resource: "tenant/" + t.ID, Before: document(before), After: document(*t),
	})
}

// succeed writes the state of a tenant that follows another, with its version: at that instant, nil for the database's
// clock, but never before the other began. A deletion bears that instant as well.
func succeed(tx *gorm.DB, before models.Tenant, t *models.Tenant, at *time.Time) error {
	var ended time.Time
	err := tx.Raw(`
		UPDATE tenant_versions SET live_to = greatest(coalesce(?::timestamptz, clock_timestamp()), live_from + interval '1 microsecond')
		WHERE tenant_id = ? AND version = ? RETURNING live_to`, at, before.ID, before.Version).Row().Scan(&ended)
	if err != nil {
		return err
	}
	ended = ended.UTC()
	t.Version, t.UpdatedAt = before.Version+1, ended
	if t.Status == models.TenantDeleted {
		t.DeletedAt = &ended
	}
	err = tx.Exec(`
		UPDATE tenants SET name = ?, tier = ?, status = ?, metadata = ?, deleted_at = ?, version = ?, updated_at = ? WHERE tenant_id = ?`,
		t.Name, t.Tier, t.Status, t.Metadata, t.DeletedAt, t.Version, t.UpdatedAt, t.ID).Error
	if err != nil {
		return err
	}
	return writeVersion(tx, *t, ended)
}

// Get is one tenant or layer; not_found outside the actor's scope and after deletion.
func (s *Service) Get(ctx context.Context, id string) (t models.Tenant, err error) {
	actor, ok := models.ActorFrom(ctx)
	if !ok {
		return t, models.Unauthenticated()
	}
	if err := actor.Require(models.PermViewTenants, "tenant", id, ""); err != nil {
		return t, err
	}
	err = s.db.Tx(ctx, func(_ context.Context, tx *gorm.DB) error {
		t, err = Read(tx, id)
		return err
	})
	return t, err
}

const tenantColumns = `tenant_id, name, tier, status, metadata, version, created_at, updated_at, deleted_at`

// Read finds a tenant or layer inside a transaction that sees it; not_found when it is unknown or deleted.
func Read(tx *gorm.DB, id string) (models.Tenant, error) {
	return readWhere(tx, id, `status <> 'deleted'`)
}

func readWhere(tx *gorm.DB, id, condition string) (models.Tenant, error) {
	var rows []models.Tenant
	err := tx.Raw(`SELECT `+tenantColumns+` FROM tenants WHERE tenant_id = ? AND `+condition, id).Scan(&rows).Error
	if err != nil {
		return models.Tenant{}, err
	}
	if len(rows) == 0 {
		return models.Tenant{}, models.NotFound("tenant")
	}
	return rows[0], nil
}

// document is a tenant as the log keeps it.
func document(t models.Tenant) models.Value {
	return models.Object(map[string]models.Value{
		"tenantId": models.Text(t.ID), "name": models.Text(t.Name), "tier": models.Text(t.Tier),
		"status": models.Text(string(t.Status)), "metadata": models.Value(t.Metadata),
	})
}

// mayPlatform tells whether the actor may do this for the whole platform. What is asked for names no thing
// that could be hidden, so the answer is forbidden for all who may not.
func mayPlatform(ctx context.Context, p models.Permission) error {
	actor, ok := models.ActorFrom(ctx)
	if !ok {
		return models.Unauthenticated()
	}
	if !actor.Everywhere(p, models.Platform) {
		return models.Forbidden("this needs the permission " + string(p) + " on the platform")
	}
	return nil
}

// mayManage tells whether the actor may edit the tenant: as a manager of all tenants or as its admin.
func mayManage(ctx context.Context, id string) error {
	actor, ok := models.ActorFrom(ctx)
	if !ok {
		return models.Unauthenticated()
	}
	if actor.Everywhere(models.PermManageTenants, models.Platform) || actor.Everywhere(models.PermManageAccess, id) {
		return nil
	}
	if !actor.Sees(id) {
		return models.NotFound("tenant")
	}
	return models.Forbidden("this needs the permission " + string(models.PermManageTenants))
}

// viewable lists the tenants that the actor may look at; {models.ScopeAll} stands for all.
func viewable(ctx context.Context, p models.Permission) ([]string, error) {
	actor, ok := models.ActorFrom(ctx)
	if !ok {
		return nil, models.Unauthenticated()
	}
	ids := actor.Where(p)
	if len(ids) == 0 {
		return nil, models.Forbidden("this needs the permission " + string(p))
	}
	return ids, nil
}
