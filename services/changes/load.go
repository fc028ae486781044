package changes

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/access"
)

// columns are a change with its items, decisions and deployment, each change one row, and the tier of its tenant.
const columns = `c.tenant_id, c.id, c.environment, c.title, c.reason, c.origin, c.author, to_json(c.editors) AS editors,
  to_json(c.responsible) AS responsible, c.status, c.digest, c.strategy, c.always_review, c.stages, c.version,
  c.created_at, c.updated_at, c.expires_at, c.rolls_back, (SELECT t.tier FROM tenants t WHERE t.tenant_id = c.tenant_id) AS tier,
  (SELECT json_agg(json_build_object('position', i.position, 'key', i.key, 'op', i.op, 'value', i.value, 'previous', i.previous,
     'base', i.base_version, 'config', i.config_id, 'defines', i.defines, 'definition', i.definition, 'sensitive', i.sensitive, 'locked', i.locked)
     ORDER BY i.position) FROM change_items i WHERE i.tenant_id = c.tenant_id AND i.change_id = c.id) AS items,
  (SELECT json_agg(json_build_object('id', d.id, 'stage', d.stage, 'person', d.person_id, 'verdict', d.decision,
     'digest', d.digest, 'comment', d.comment, 'at', d.at, 'voided', d.voided) ORDER BY d.at, d.id)
     FROM decisions d WHERE d.tenant_id = c.tenant_id AND d.change_id = c.id) AS decisions,
  (SELECT p.id FROM deployments p WHERE p.tenant_id = c.tenant_id AND p.change_id = c.id ORDER BY p.started_at DESC LIMIT 1) AS deployment`

// changeRow is one row of columns.
type changeRow struct {
	TenantID, ID, Environment, Title, Reason, Origin, Author string
	Editors, Responsible                                     string
	Status                                                   models.ChangeStatus
	Digest, Strategy                                         string
	AlwaysReview                                             bool
	Stages                                                   string
	Version                                                  int64
	CreatedAt, UpdatedAt                                     time.Time
	ExpiresAt                                                *time.Time
	RollsBack                                                *string
	Tier                                                     string
	Items, Decisions, Deployment                             *string
}

// change makes the noun of the row; names are filled in from the directory.
func (r changeRow) change(names *access.Directory) (models.Change, error) {
	c := models.Change{
		TenantID: r.TenantID, ID: r.ID, Environment: r.Environment, Title: r.Title, Reason: r.Reason, Origin: r.Origin,
		Author: names.Name(models.ParseActorRef(r.Author)), Status: r.Status, Digest: r.Digest, AlwaysReview: r.AlwaysReview,
		Version: r.Version, CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(), DeploymentID: text(r.Deployment), RollsBack: text(r.RollsBack),
	}
	if r.ExpiresAt != nil {
		at := r.ExpiresAt.UTC()
		c.ExpiresAt = &at
	}
	var editors []string
	var items []itemRow
	var decisions []decisionRow
	for part, into := range map[*string]any{
		&r.Editors: &editors, &r.Responsible: &c.Responsible, &r.Strategy: &c.Strategy, &r.Stages: &c.Stages,
		r.Items: &items, r.Decisions: &decisions,
	} {
		if part == nil {
			continue
		}
		if err := json.Unmarshal([]byte(*part), into); err != nil {
			return c, fmt.Errorf("read change: %w", err)
		}
	}
	for _, e := range editors {
		c.Editors = append(c.Editors, names.Name(models.ParseActorRef(e)))
	}
	for _, d := range decisions {
		c.Decisions = append(c.Decisions, d.decision(names))
	}
	for _, i := range items {
		item, err := i.item()
		if err != nil {
			return c, err
		}
		c.Items = append(c.Items, item)
	}
	return c, nil
}

func (r decisionRow) decision(names *access.Directory) models.Decision {
	return models.Decision{
		ID: r.ID, Stage: r.Stage, Person: names.Name(models.ActorRef{ID: r.Person, Kind: models.ActorPerson}),
		Verdict: r.Verdict, Digest: r.Digest, Comment: r.Comment, At: r.At.UTC(), Voided: r.Voided,
	}
}

func (r itemRow) item() (models.Item, error) {
	i := models.Item{
		Key: r.Key, Op: r.Op, Value: models.Value(text(r.Value)), Previous: models.Value(text(r.Previous)),
		BaseVersion: r.Base, ConfigID: r.Config, Definition: r.Definition, Sensitive: r.Sensitive, Locked: r.Locked,
	}
	if r.Defines == nil {
		return i, nil
	}
	i.Defines = &models.Defines{}
	if err := json.Unmarshal([]byte(*r.Defines), i.Defines); err != nil {
		return i, fmt.Errorf("read change item: %w", err)
	}
	return i, nil
}

// find reads a change by its id in the actor's whole scope.
func (s *Service) find(ctx context.Context, id string) (c models.Change, err error) {
	if !models.ValidID(id) {
		return c, models.NotFound("change")
	}
	names, err := s.Access.Directory(ctx)
	if err != nil {
		return c, err
	}
	var found []models.Change
	err = s.DB.Tx(ctx, func(ctx context.Context, tx *gorm.DB) error {
		found, err = load(ctx, tx.Table("changes AS c").Select(columns).Where("c.id = ?", id), names)
		return err
	})
	if err != nil {
		return c, err
	}
	if len(found) == 0 {
		return c, models.NotFound("change")
	}
	return found[0], nil
}

// locked reads the change anew under the locks of its layer. Its items are as they were stored: the facts, which the
// caller reads anyway, tell which of their keys are secrets by now.
func locked(tx *gorm.DB, names *access.Directory, tenantID, id string) (models.Change, error) {
	var rows []changeRow
	q := tx.Table("changes AS c").Select(columns).Where("c.tenant_id = ? AND c.id = ?", tenantID, id)
	if err := q.Scan(&rows).Error; err != nil {
		return models.Change{}, err
	}
	if len(rows) == 0 {
		return models.Change{}, models.NotFound("change")
	}
	return rows[0].change(names)
}

// load reads the changes of a query over columns, in its order, and marks the items whose key is a secret by now:
// what was stored is only what was known when they were written. It ends the reading of its transaction.
func load(ctx context.Context, q *gorm.DB, names *access.Directory) ([]models.Change, error) {
	var rows []changeRow
	if err := q.Scan(&rows).Error; err != nil {
		return nil, err
	}
	out := make([]models.Change, 0, len(rows))
	var chains chains
	for _, r := range rows {
		c, err := r.change(names)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
		chains = append(chains, models.Tenant{ID: r.TenantID, Tier: r.Tier}.Chain())
	}
	return out, chains.classify(ctx, out)
}

// Get returns a change of the actor's scope; a change that nobody decided in time is shown as expired.
func (s *Service) Get(ctx context.Context, id string) (models.Change, error) {
	c, err := s.find(ctx, id)
	if err != nil {
		return c, err
	}
	actor, _ := models.ActorFrom(ctx)
	if err := actor.Require(models.PermViewChanges, "change", c.TenantID, c.Environment); err != nil {
		return models.Change{}, err
	}
	return s.shown(c), nil
}

// shown is a change as people and programs look at it.
func (s *Service) shown(c models.Change) models.Change {
	c.Lapse(s.Now())
	c.Mask()
	return c
}
