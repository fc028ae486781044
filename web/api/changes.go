package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/changes"
	"github.com/hotswap/hotswap/services/definitions"
	"github.com/hotswap/hotswap/web/wire"
)

// change is a set of edits for one environment of one layer: the unit of review, deployment and rollback.
type change struct {
	ID           string              `json:"id"`
	TenantID     string              `json:"tenantId"`
	TenantIDs    []string            `json:"tenantIds"`
	Environment  string              `json:"environment"`
	Title        string              `json:"title"`
	Reason       string              `json:"reason"`
	Origin       string              `json:"origin" doc:"Where it comes from: edit, promote, rollback"`
	Author       models.ActorRef     `json:"author"`
	Editors      []models.ActorRef   `json:"editors" doc:"Who else wrote it; they decide as little as the author"`
	Status       models.ChangeStatus `json:"status" enum:"draft,pending,approved,scheduled,deploying,deployed,rejected,cancelled,expired,rolled_back,failed"`
	Digest       string              `json:"digest" doc:"What a decision names: it covers all that an approver signs"`
	Items        []item              `json:"items"`
	Stages       []changeStage       `json:"stages"`
	CurrentStage *string             `json:"currentStage" doc:"The stage that waits for decisions"`
	Strategy     models.Strategy     `json:"strategy"`
	ScheduledFor *time.Time          `json:"scheduledFor"`
	Emergency    bool                `json:"emergency"`
	DeploymentID *string             `json:"deploymentId"`
	RollsBack    *string             `json:"rollsBack" doc:"The change whose replaced versions this one wrote anew without stages"`
	CreatedAt    time.Time           `json:"createdAt"`
	UpdatedAt    time.Time           `json:"updatedAt"`
	ExpiresAt    *time.Time          `json:"expiresAt"`
}

// item is one edit of a change.
type item struct {
	Key         string       `json:"key"`
	Op          models.Op    `json:"op" enum:"set,delete,lock,unlock,define,retier,suspend"`
	Value       wire.RawJSON `json:"value" doc:"Of set, lock and unlock; of retier the tier; null for all other"`
	Previous    wire.RawJSON `json:"previous" doc:"What it replaces; null for nothing"`
	Masked      bool         `json:"masked" doc:"The values are not shown to the caller"`
	BaseVersion int64        `json:"baseVersion" doc:"The version it was written against, of define that of the definition; 0 for none"`
	Locked      *bool        `json:"locked" doc:"Of set: locks or unlocks with the value; null keeps the lock as it is"`
	Definition  *itemDefines `json:"definition" doc:"The definition that the item makes or replaces"`
}

// itemDefines is a definition as an item makes it.
type itemDefines struct {
	Type        models.ValueType `json:"type,omitempty" enum:"boolean,number,string,json" doc:"Stays as it is for a key that is defined"`
	Description string           `json:"description,omitempty"`
	Schema      wire.RawJSON     `json:"schema,omitempty" doc:"A JSON Schema"`
	Owner       string           `json:"owner,omitempty"`
	Tags        []string         `json:"tags,omitempty"`
	Sensitive   bool             `json:"sensitive,omitempty"`
	Merge       models.Merge     `json:"merge,omitempty" enum:"replace,deep"`
	ExpiresAt   *time.Time       `json:"expiresAt,omitempty"`
}

func showDefines(d *models.Defines) *itemDefines {
	if d == nil {
		return nil
	}
	out := &itemDefines{
		Type: d.Type, Description: d.Description, Owner: d.Owner, Tags: d.Tags.List(), Sensitive: d.Sensitive,
		Merge: merge(d.Merge), ExpiresAt: utc(d.ExpiresAt),
	}
	if d.Schema != "" {
		out.Schema = wire.Raw(d.Schema)
	}
	return out
}

// defines is the definition as the service takes it.
func (d *itemDefines) defines(pointer string) (*models.Defines, error) {
	in := definitions.In{
		Type: d.Type, Description: d.Description, Owner: d.Owner, Tags: d.Tags, Sensitive: d.Sensitive,
		Merge: d.Merge, ExpiresAt: d.ExpiresAt,
	}
	if d.Schema != nil && string(d.Schema) != string(models.Null) {
		var err error
		if in.Schema, err = d.Schema.Value(pointer + "/schema"); err != nil {
			return nil, err
		}
	}
	made, err := in.Defines()
	return made, models.Under(pointer, err)
}

// changeStage is one approval that the change needs.
type changeStage struct {
	Name      string             `json:"name"`
	Role      models.Role        `json:"role"`
	Required  int                `json:"required"`
	Status    models.StageStatus `json:"status" enum:"waiting,open,approved,rejected"`
	Decisions []decision         `json:"decisions"`
}

// decision is one person's approve or reject.
type decision struct {
	Actor    models.ActorRef `json:"actor"`
	Decision models.Verdict  `json:"decision" enum:"approve,reject"`
	Comment  string          `json:"comment"`
	At       time.Time       `json:"at"`
	Voided   bool            `json:"voided" doc:"It no longer counts"`
}

func showChange(c models.Change) change {
	out := change{
		ID: c.ID, TenantID: c.TenantID, TenantIDs: []string{}, Environment: c.Environment, Title: c.Title,
		Reason: c.Reason, Origin: c.Origin, Author: c.Author, Editors: append([]models.ActorRef{}, c.Editors...),
		Status: c.Status, Digest: c.Digest, Items: []item{}, Stages: []changeStage{}, Strategy: c.Strategy,
		DeploymentID: optional(c.DeploymentID), RollsBack: optional(c.RollsBack), CreatedAt: c.CreatedAt.UTC(), UpdatedAt: c.UpdatedAt.UTC(),
		ExpiresAt: utc(c.ExpiresAt),
	}
	if s, ok := c.CurrentStage(); ok {
		out.CurrentStage = &s.Name
	}
	for _, i := range c.Items { // the service has masked what the caller may not read
		out.Items = append(out.Items, item{
			Key: i.Key, Op: i.Op, Value: wire.Raw(i.Value), Previous: wire.Raw(i.Previous),
			Masked: i.Sensitive && i.Op != models.OpDefine, BaseVersion: i.BaseVersion, Locked: i.Locked, Definition: showDefines(i.Defines),
		})
	}
	for n := range c.Stages {
		out.Stages = append(out.Stages, showStage(&c, n))
	}
	return out
}

func showStage(c *models.Change, n int) changeStage {
	s := c.Stages[n]
	out := changeStage{Name: s.Name, Role: s.Role, Required: s.Required, Status: c.StageStatus(n), Decisions: []decision{}}
	for _, d := range c.Decisions {
		if d.Stage == s.Name {
			out.Decisions = append(out.Decisions, decision{
				Actor: d.Person, Decision: d.Verdict, Comment: d.Comment, At: d.At.UTC(), Voided: d.Voided != "",
			})
		}
	}
	return out
}

type changeRoutes struct{ changes *changes.Service }

func (r changeRoutes) register(api huma.API) {
	huma.Register(api, reads("change.list", "/changes", tagChanges, "List changes, newest first"), r.list)
	create := creates("change.create", "/changes", tagChanges, "Submit a change for approval", http.StatusConflict)
	create.MaxBodyBytes = models.MaxChangeBodyBytes
	huma.Register(api, also[change](api, create, http.StatusOK, "What would be, of a dry run"), r.create)
	huma.Register(api, reads("change.get", "/changes/{changeId}", tagChanges, "Show a change"), r.get)
	edit := acts(http.MethodPatch, "change.edit", "/changes/{changeId}", tagChanges,
		"Edit a change that waits; decisions so far are void", http.StatusConflict, http.StatusPreconditionFailed)
	edit.MaxBodyBytes = models.MaxChangeBodyBytes
	huma.Register(api, edit, r.edit)
	huma.Register(api, acts(http.MethodPost, "change.submit", "/changes/{changeId}/submit", tagChanges,
		"Submit a draft for approval", http.StatusConflict, http.StatusPreconditionFailed), r.submit)
	huma.Register(api, acts(http.MethodPost, "change.cancel", "/changes/{changeId}/cancel", tagChanges,
		"End a change that waits", http.StatusConflict, http.StatusPreconditionFailed), r.cancel)
	huma.Register(api, acts(http.MethodPost, "change.rebase", "/changes/{changeId}/rebase", tagChanges,
		"Write a change anew against what is live; decisions so far are void", http.StatusConflict, http.StatusPreconditionFailed), r.rebase)
}

type listChanges struct {
	wire.Paging
	TenantID    string              `query:"tenantId"`
	Environment string              `query:"environment"`
	Status      models.ChangeStatus `query:"status" enum:"draft,pending,approved,scheduled,deploying,deployed,rejected,cancelled,expired,rolled_back,failed"`
}

func (r changeRoutes) list(ctx context.Context, in *listChanges) (*paged[change], error) {
	want, err := in.Page()
	if err != nil {
		return nil, err
	}
	found, err := r.changes.List(ctx, changes.Filter{
		TenantID: in.TenantID, Environment: in.Environment, Status: in.Status, Page: want,
	})
	if err != nil {
		return nil, err
	}
	return pageOf(found, showChange), nil
}

// editedItem is an item as a caller writes it.
type editedItem struct {
	Key         string           `json:"key,omitempty" doc:"Of all but retier and suspend"`
	Op          models.Op        `json:"op" enum:"set,delete,lock,unlock,define,retier,suspend"`
	Value       wire.RawJSON     `json:"value,omitempty" doc:"Of set; of retier the tier"`
	Locked      *bool            `json:"locked,omitempty" doc:"Of set: locks or unlocks with the value"`
	Definition  *itemDefines     `json:"definition,omitempty" doc:"Of define; of set for a key that nothing defines yet"`
	Type        models.ValueType `json:"type,omitempty" enum:"boolean,number,string,json" doc:"Of a key that nothing defines yet; else that of the value"`
	Description string           `json:"description,omitempty" doc:"Of a key that nothing defines yet"`
	BaseVersion *int64           `json:"baseVersion,omitempty" doc:"The version it is written against, 0 for none; what is live if it is not given"`
}

func (i editedItem) edit(pointer string) (changes.Edit, error) {
	e := changes.Edit{Key: i.Key, Op: i.Op, Type: i.Type, Description: i.Description, BaseVersion: i.BaseVersion, Locked: i.Locked}
	var err error
	if i.Definition != nil {
		if e.Definition, err = i.Definition.defines(pointer + "/definition"); err != nil {
			return e, err
		}
	}
	if i.Value == nil || i.Op != models.OpSet && string(i.Value) == string(models.Null) {
		return e, nil // whether a value is due, the service knows
	}
	e.Value, err = i.Value.Value(pointer + "/value")
	return e, err
}

func edits(items []editedItem) ([]changes.Edit, error) {
	out := make([]changes.Edit, len(items))
	for n, i := range items {
		var err error
		if out[n], err = i.edit(changes.ItemPointer(n)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

type createChange struct {
	DryRun bool `query:"dryRun" doc:"Check all and write nothing; answers 200"`
	Body   struct {
		TenantID    string       `json:"tenantId" doc:"A tenant or layer"`
		Environment string       `json:"environment"`
		Title       string       `json:"title,omitempty" doc:"What the change does, if it is not given"`
		Reason      string       `json:"reason,omitempty"`
		Items       []editedItem `json:"items"`
		Strategy    string       `json:"strategy,omitempty" doc:"The policy's default if it is not given"`
		Draft       bool         `json:"draft,omitempty" doc:"Keep it, do not submit it yet"`
	}
}

type changeCreated struct {
	Status   int
	Location string `header:"Location"`
	ETag     string `header:"ETag"`
	Body     change
}

func (r changeRoutes) create(ctx context.Context, in *createChange) (*changeCreated, error) {
	items, err := edits(in.Body.Items)
	if err != nil {
		return nil, err
	}
	b := in.Body
	done, err := r.changes.Submit(ctx, changes.Draft{
		TenantID: b.TenantID, Environment: b.Environment, Title: b.Title, Reason: b.Reason, Strategy: b.Strategy,
		Items: items, Draft: b.Draft, DryRun: in.DryRun, Origin: models.OriginEdit, Pointer: changes.ItemPointer,
	})
	if err != nil {
		return nil, err
	}
	out := &changeCreated{Status: http.StatusOK, Body: showChange(done.Change)}
	if !in.DryRun {
		out.Status, out.Location, out.ETag = http.StatusCreated, pathTo("changes", done.Change.ID), done.Change.Tag()
	}
	return out, nil
}

// ChangePath names a change.
type ChangePath struct {
	ChangeID string `path:"changeId"`
}

func (r changeRoutes) get(ctx context.Context, in *ChangePath) (*single[change], error) {
	c, err := r.changes.Get(ctx, in.ChangeID)
	return oneChange(c, err)
}

type editChange struct {
	ChangePath
	Match
	Body struct {
		Title    *string      `json:"title,omitempty"`
		Reason   *string      `json:"reason,omitempty"`
		Items    []editedItem `json:"items,omitempty" doc:"Replaces all items"`
		Strategy *string      `json:"strategy,omitempty"`
	}
}

func (r changeRoutes) edit(ctx context.Context, in *editChange) (*single[change], error) {
	revised := changes.Revise{
		ChangeID: in.ChangeID, Title: in.Body.Title, Reason: in.Body.Reason, Strategy: in.Body.Strategy, IfMatch: in.IfMatch,
	}
	if in.Body.Items != nil {
		var err error
		if revised.Items, err = edits(in.Body.Items); err != nil {
			return nil, err
		}
	}
	c, err := r.changes.Revise(ctx, revised)
	return oneChange(c, err)
}

// movedChange is a change that an act moves on.
type movedChange struct {
	ChangePath
	Match
}

func (r changeRoutes) submit(ctx context.Context, in *movedChange) (*single[change], error) {
	c, err := r.changes.SubmitDraft(ctx, in.ChangeID, in.IfMatch)
	return oneChange(c, err)
}

func (r changeRoutes) cancel(ctx context.Context, in *movedChange) (*single[change], error) {
	c, err := r.changes.Cancel(ctx, in.ChangeID, in.IfMatch)
	return oneChange(c, err)
}

func (r changeRoutes) rebase(ctx context.Context, in *movedChange) (*single[change], error) {
	c, err := r.changes.Rebase(ctx, in.ChangeID, in.IfMatch)
	return oneChange(c, err)
}

func oneChange(c models.Change, err error) (*single[change], error) {
	if err != nil {
		return nil, err
	}
	return &single[change]{ETag: c.Tag(), Body: showChange(c)}, nil
}
