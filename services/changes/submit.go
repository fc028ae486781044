package changes

import (
	"context"
	"errors"
	"slices"
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
	Definition  *models.Defines // of define; of set for a key that nothing defines yet, in place of Type and Description
	Locked      *bool           // of set: lock or unlock with the value; nil keeps the lock as it is
	BaseVersion *int64          // nil means what is live now
	IfMatch     string          // entity tag of the config, if the caller named one
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

	keeps    bool       // the items of a change stay as they are: there are none here to look at
	rolls    *rollback  // what is rolled back; nil for any other draft
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
	case d.keeps:
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
		if item.Op.OnTenant() && len(d.Items) > 1 {
			add(d.Pointer(i)+"/op", string(item.Op)+" is the only item of its change")
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
	if e.Op.OnTenant() {
		if e.Key != "" {
			add("/key", string(e.Op)+" has no key")
		}
	} else if !models.ValidKey(e.Key) {
		add("/key", "a key is 1 to 128 characters of a-z, 0-9, dot, dash and underscore, and starts and ends with a letter or digit")
	}
	if !e.Op.Valid() {
		add("/op", "set, delete, lock, unlock or define")
	}
	takes := e.Op == models.OpSet || e.Op == models.OpRetier
	if takes && e.Value == "" {
		add("/value", "a value is required")
	}
	if e.Op.Valid() && !takes && e.Value != "" {
		add("/value", string(e.Op)+" takes no value")
	}
	if e.Locked != nil && e.Op != models.OpSet {
		add("/locked", "only set locks with its value")
	}
	if e.Definition != nil && e.Op != models.OpSet && e.Op != models.OpDefine {
		add("/definition", string(e.Op)+" defines nothing")
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
	item.Locked, item.Defines = e.Locked, e.Definition
	if e.Op == models.OpSet && e.Definition == nil {
		item.Defines = &models.Defines{Type: e.Type, Description: e.Description}
	}
	return item
}

// may tells whether the actor may write the items there.
func (d *Draft) may(by models.Actor, tenantID, environment string) error {
	ops := make([]models.Op, len(d.Items))
	for i, e := range d.Items {
		ops[i] = e.Op
	}
	return mayWrite(by, "tenant", tenantID, environment, ops)
}

// strategy is the one asked for; the lane back is direct.
func (d *Draft) strategy(c *models.Change) string {
	if c.RollsBack != "" {
		return models.StrategyDirect
	}
	return d.Strategy
}

// tier is the layer of the tier that the draft moves its tenant to; empty when it moves none.
func (d *Draft) tier() string {
	c := models.Change{}
	for _, e := range d.Items {
		c.Items = append(c.Items, models.Item{Op: e.Op, Value: e.Value})
	}
	return c.TierLayer()
}

// reaches tells whether the draft is checked against more than its own environment.
func (d *Draft) reaches() bool {
	return slices.ContainsFunc(d.Items, func(e Edit) bool { return e.Op.Reaches() })
}

// read prepares to read what the draft is checked against.
func (d *Draft) read(chain []string) *deployments.Reading {
	r := deployments.Read(chain, d.Environment, d.keys())
	if d.reaches() {
		r.WithReach(d.keys(), d.tier())
	}
	return r
}

// Submit writes a change and sends it on its way, in one transaction. not_found: the tenant is not the
// actor's; forbidden: no right to edit, or the strategy is not allowed; invalid: an item breaks a rule;
// conflict: a base version is not live; precondition_failed: an entity tag is not the present one.
func (s *Service) Submit(ctx context.Context, d Draft) (out Outcome, err error) {
	actor, ok := models.ActorFrom(ctx)
	if !ok {
		return out, models.Unauthenticated()
	}
	if err := d.may(actor, d.TenantID, d.Environment); err != nil {
		return out, err
	}
	if err := d.validate(); err != nil {
		return out, err
	}
	if err := s.nameTier(ctx, &d); err != nil {
		return out, err
	}
	err = s.write(ctx, d.TenantID, d.tier(), d.read, func(ctx context.Context, tx *gorm.DB, at place) error {
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
	if err := d.may(by, d.TenantID, d.Environment); err != nil {
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
	if d.rolls != nil {
		if err := d.rolls.fill(tx, by, &c, f); err != nil {
			return Outcome{}, err
		}
	}
	if c.Strategy, err = strategy(d.strategy(&c), &c, f); err != nil {
		return Outcome{}, err
	}
	if err := s.fit(ctx, tx, &c, f, d.Pointer); err != nil {
		return Outcome{}, err
	}
	c.CreatedAt = f.At
	if err := s.settle(ctx, tx, &c, f, d); err != nil {
		return Outcome{}, err
	}
	if err := mayUncover(&c, f, by); err != nil {
		return Outcome{}, err
	}
	if d.DryRun {
		return Outcome{Change: c}, errDryRun // undone: nothing was logged, numbered or moved
	}
	return Outcome{Change: c, Config: live(&c, f)}, nil
}

// mayUncover asks for the right to reveal where a definition makes a secret none.
func mayUncover(c *models.Change, f models.Facts, by models.Actor) error {
	for _, i := range c.Items {
		if i.Op != models.OpDefine {
			continue
		}
		after := i.Defines.On(models.Definition{TenantID: c.TenantID})
		if _, err := after.Uncovers(f.Definitions[i.Key], by); err != nil {
			return err
		}
	}
	return nil
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
	if c.Status != models.ChangeDeployed || len(c.Items) != 1 || c.Items[0].Op == models.OpDelete || c.Items[0].Op.Reaches() {
		return nil
	}
	item := c.Items[0]
	config := models.Config{
		TenantID: c.TenantID, ID: item.ConfigID, Environment: c.Environment, Key: item.Key, Value: item.Value,
		Version: f.Live[item.Key].Last + 1, Locked: item.NextLock(f.Live[item.Key]), Sensitive: item.Sensitive, UpdatedAt: f.At, UpdatedBy: c.Author,
	}
	if d, ok := f.Definitions[item.Key]; ok {
		config.Type, config.Description = d.Type, d.Description
	} else if item.Defines != nil {
		config.Type, config.Description = item.Defines.Type, item.Defines.Description
	}
	return &config
}
