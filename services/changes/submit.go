package changes

import (
	"context"
	"errors"
	"strconv"

	"gorm.io/gorm"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/deployments"
)

// Edit is one item as a caller writes it.
type Edit struct {
	Key         string
	Op          models.Op
	Value       models.Value // empty for delete
	Type        models.ValueType
	Description string
	BaseVersion *int64 // nil means what is live now
	IfMatch     string // entity tag of the config, if the caller named one
}

// Draft is a change as a caller writes it.
type Draft struct {
	TenantID     string
	Environment  string
	Title        string
	Reason       string
	Strategy     string
	Items        []Edit
	AlwaysReview bool // approvalRequired
	Draft        bool // keep it, do not submit it yet
	DryRun       bool // check all, write nothing
	Origin       string
	Pointer      func(i int) string // names the i-th item in the caller's input

	promotes *promotion // where a promotion's values come from; nil for any other draft
}

// ItemPointer names the items of a change document.
func ItemPointer(i int) string { return "/items/" + strconv.Itoa(i) }

// Single names the only item of a config document.
func Single(int) string { return "" }

// maxTitle and maxReason are in characters.
const (
	maxTitle  = 200
	maxReason = 4000
)

// validate checks what needs no database.
func (d *Draft) validate() error {
	var bad []models.FieldError
	add := func(pointer, message string) {
		bad = append(bad, models.FieldError{Pointer: pointer, Message: message})
	}
	if !models.ValidText(d.Title, maxTitle) {
		add("/title", "at most 200 characters")
	}
	if !models.ValidText(d.Reason, maxReason) {
		add("/reason", "at most 4,000 characters")
	}
	switch {
	case len(d.Items) == 0:
		add("/items", "a change has at least one item")
	case len(d.Items) > models.MaxChangeItems:
		add("/items", "a change has at most 2,000 items")
	}
	seen := map[string]bool{}
	for i, item := range d.Items {
		bad = append(bad, item.validate(d.Pointer(i))...)
		if seen[item.Key] {
			add(d.Pointer(i)+"/key", "another item has the same key")
		}
		seen[item.Key] = true
	}
	return models.InvalidFields(bad)
}

func (d *Draft) keys() []string {
	keys := make([]string, len(d.Items))
	for i, item := range d.Items {
		keys[i] = item.Key
	}
	return keys
}

func (e Edit) validate(at string) (bad []models.FieldError) {
	add := func(pointer, message string) {
		bad = append(bad, models.FieldError{Pointer: at + pointer, Message: message})
	}
	if !models.ValidKey(e.Key) {
		add("/key", "a key is 1 to 128 characters of a-z, 0-9, dot, dash and underscore, and starts and ends with a letter or digit")
	}
	if e.Op != models.OpSet && e.Op != models.OpDelete {
		add("/op", "set or delete")
	}
	if e.Op == models.OpSet && e.Value == "" {
		add("/value", "a value is required")
	}
	if e.Op == models.OpDelete && e.Value != "" {
		add("/value", "delete takes no value")
	}
	if e.Type != "" && !e.Type.Valid() {
		add("/type", "boolean, number, string or json")
	}
	if !models.ValidText(e.Description, maxReason) {
		add("/description", "at most 4,000 characters")
	}
	if e.BaseVersion != nil && *e.BaseVersion < 0 {
		add("/baseVersion", "0 or the number of a version")
	}
	return bad
}

func (e Edit) item() models.Item {
	item := models.Item{Key: e.Key, Op: e.Op, Value: e.Value, BaseVersion: -1}
	if e.BaseVersion != nil {
		item.BaseVersion = *e.BaseVersion
	}
	if e.Op == models.OpSet {
		item.Defines = &models.Defines{Type: e.Type, Description: e.Description}
	}
	return item
}

// Submit writes a change and sends it on its way, in one transaction. not_found: the tenant is not the
// actor's; forbidden: no right to edit, or the strategy is not allowed; invalid: an item breaks a rule;
// conflict: a base version is not live; precondition_failed: an entity tag is not the present one.
func (s *Service) Submit(ctx context.Context, d Draft) (out Outcome, err error) {
	actor, ok := models.ActorFrom(ctx)
	if !ok {
		return out, models.Unauthenticated()
	}
	if err := actor.Require(models.PermEditConfigs, "tenant", d.TenantID, d.Environment); err != nil {
		return out, err
	}
	if err := d.validate(); err != nil {
		return out, err
	}
	first := func(chain []string) *deployments.Reading { return deployments.Read(chain, d.Environment, d.keys()) }
	err = s.write(ctx, d.TenantID, first, func(ctx context.Context, tx *gorm.DB, at place) error {
		out, err = s.submit(ctx, tx, at, d, actor)
		return err
	})
	if errors.Is(err, errDryRun) {
		err = nil
	}
	if err == nil && !d.DryRun {
		s.count(out.Change)
	}
	out.mask()
	return out, err
}

// errDryRun undoes a transaction whose only purpose was to look.
var errDryRun = errors.New("changes: dry run")

func (s *Service) submit(ctx context.Context, tx *gorm.DB, at place, d Draft, by models.Actor) (Outcome, error) {
	f, err := at.read.Facts()
	if err != nil {
		return Outcome{}, err
	}
	if by, err = s.current(at, f, by); err != nil {
		return Outcome{}, err
	}
	if err := by.Require(models.PermEditConfigs, "tenant", d.TenantID, d.Environment); err != nil {
		return Outcome{}, err
	}
	c := s.begin(d, by)
	if err := matches(d, f); err != nil {
		return Outcome{}, err
	}
	if d.promotes != nil {
		if err := d.promotes.fill(tx, by, &c, f, d.Pointer); err != nil {
			return Outcome{}, err
		}
	}
	if c.Strategy, err = strategy(d.Strategy, f.Policy()); err != nil {
		return Outcome{}, err
	}
	if err := s.fit(ctx, &c, f, d.Pointer); err != nil {
		return Outcome{}, err
	}
	c.CreatedAt = f.At
	if err := s.settle(ctx, tx, &c, f, d); err != nil {
		return Outcome{}, err
	}
	if d.DryRun {
		return Outcome{Change: c}, errDryRun // undone: nothing was logged, numbered or moved
	}
	return Outcome{Change: c, Config: live(&c, f)}, nil
}

// begin makes the change's row of what the caller wrote.
func (s *Service) begin(d Draft, by models.Actor) models.Change {
	c := models.Change{
		TenantID: d.TenantID, ID: s.NewID(), Environment: d.Environment, Title: d.Title, Reason: d.Reason,
		Origin: d.Origin, AlwaysReview: d.AlwaysReview, Status: models.ChangeDraft,
	}
	c.Written(by)
	for _, item := range d.Items {
		c.Items = append(c.Items, item.item())
	}
	return c
}

// settle saves a draft, or routes what is submitted.
func (s *Service) settle(ctx context.Context, tx *gorm.DB, c *models.Change, f models.Facts, d Draft) error {
	if d.Draft {
		c.Stages = f.StagesFor(c)
		return s.keep(ctx, c, f.At, models.Act{Action: "change.create", Resource: resource(c), After: summary(c)})
	}
	return s.route(ctx, tx, c, f, submitted(c))
}

// submitted tells of the change as it is when the entry is made.
func submitted(c *models.Change) func() models.Act {
	return func() models.Act {
		return models.Act{Action: "change.submit", Resource: resource(c), After: summary(c)}
	}
}

// matches compares the entity tags that the caller named with what is live.
func matches(d Draft, f models.Facts) error {
	for _, e := range d.Items {
		if err := models.CheckTag(e.IfMatch, models.VersionTag(f.Live[e.Key].Version)); err != nil {
			return err
		}
	}
	return nil
}

// live is the config that a change of one item made live at once.
func live(c *models.Change, f models.Facts) *models.Config {
	if c.Status != models.ChangeDeployed || len(c.Items) != 1 || c.Items[0].Op != models.OpSet {
		return nil
	}
	item := c.Items[0]
	config := models.Config{
		TenantID: c.TenantID, ID: item.ConfigID, Environment: c.Environment, Key: item.Key, Value: item.Value,
		Version: f.Live[item.Key].Last + 1, Sensitive: item.Sensitive, UpdatedAt: f.At, UpdatedBy: c.Author,
	}
	if d, ok := f.Definitions[item.Key]; ok {
		config.Type, config.Description = d.Type, d.Description
	} else if item.Defines != nil {
		config.Type, config.Description = item.Defines.Type, item.Defines.Description
	}
	return &config
}
