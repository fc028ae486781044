package models

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"
)

// ChangeStatus is where a change stands.
type ChangeStatus string

// The states of a change.
const (
	ChangeDraft     ChangeStatus = "draft"
	ChangePending   ChangeStatus = "pending"
	ChangeApproved  ChangeStatus = "approved"
	ChangeScheduled ChangeStatus = "scheduled"
	ChangeDeploying ChangeStatus = "deploying"
	ChangeDeployed  ChangeStatus = "deployed"
	ChangeRejected  ChangeStatus = "rejected"
	ChangeCancelled ChangeStatus = "cancelled"
	ChangeExpired   ChangeStatus = "expired"
	ChangeRolled    ChangeStatus = "rolled_back"
	ChangeFailed    ChangeStatus = "failed"
)

// Open tells whether the change still waits for something.
func (s ChangeStatus) Open() bool {
	return s == ChangeDraft || s == ChangePending || s == ChangeApproved || s == ChangeScheduled
}

// Valid tells whether there is such a state.
func (s ChangeStatus) Valid() bool {
	return s.Open() || slices.Contains([]ChangeStatus{
		ChangeDeploying, ChangeDeployed, ChangeRejected, ChangeCancelled, ChangeExpired, ChangeRolled, ChangeFailed,
	}, s)
}

// Where a change comes from.
const (
	OriginEdit     = "edit"
	OriginPromote  = "promote"
	OriginRollback = "rollback"
)

// Op is what an item does to its key.
type Op string

// The operations of items.
const (
	OpSet     Op = "set"
	OpDelete  Op = "delete"
	OpLock    Op = "lock"    // nothing below overrides the layer's live value any more
	OpUnlock  Op = "unlock"  // layers below override it again
	OpDefine  Op = "define"  // make or replace the layer's definition of the key
	OpRetier  Op = "retier"  // the tenant moves to another tier; no key
	OpSuspend Op = "suspend" // the tenant's reads end; no key
)

// Item is one edit of a change.
type Item struct {
	Key         string // empty for retier and suspend
	Op          Op
	Value       Value  // of set; of retier the tier's name; a sensitive one is sealed as soon as the item is bound
	Clear       Secret // a sensitive value while the change is checked; never stored
	Previous    Value  // what it replaces; empty for nothing
	BaseVersion int64  // the live version it was written against; 0 for none
	ConfigID    string
	Locked      *bool    // of set: lock or unlock with the value; nil keeps the lock as it is
	Defines     *Defines // the definition this item makes: of define, or of set for a key that had none
	Definition  int64    // version of the definition it was checked against, 0 for none; of define the one it replaces
	Sensitive   bool
}

// Plain is the item's value in clear, for checks.
func (i *Item) Plain() Value {
	if clear := i.Clear.Reveal(); clear != "" {
		return clear
	}
	return i.Value
}

// Defines is a definition as an item makes it. All but Type and Description belong to define.
type Defines struct {
	Type        ValueType  `json:"type"`
	Description string     `json:"description"`
	Schema      Value      `json:"schema,omitempty"`
	Owner       string     `json:"owner,omitempty"`
	Tags        Tags       `json:"tags,omitempty"`
	Sensitive   bool       `json:"sensitive,omitempty"`
	Merge       Merge      `json:"merge,omitempty"`
	ExpiresAt   *time.Time `json:"expiresAt,omitempty"`
}

// Change is a set of edits for one environment of one layer: the unit of review, deployment and rollback.
type Change struct {
	TenantID     string
	ID           string
	Environment  string
	Title        string
	Reason       string
	Origin       string
	Author       ActorRef
	Editors      []ActorRef
	Responsible  []string // ids of the people who answer for the services that wrote it
	Status       ChangeStatus
	Digest       string // 64 lower-case hex characters
	Strategy     Strategy
	AlwaysReview bool // asks for a stage even where the policy has none
	Stages       []Stage
	Items        []Item
	Decisions    []Decision
	Version      int64
	CreatedAt    time.Time
	UpdatedAt    time.Time
	ExpiresAt    *time.Time
	DeploymentID string
	RollsBack    string // the change whose replaced versions this one writes anew by the lane without stages; empty for none
}

// digestForm is what a decision is bound to. Sensitive values enter as commitments under the tenant's key.
type digestForm struct {
	ID           string       `json:"id"`
	TenantID     string       `json:"tenantId"`
	Environment  string       `json:"environment"`
	Title        string       `json:"title"`
	Reason       string       `json:"reason"`
	Items        []digestItem `json:"items"`
	Strategy     Strategy     `json:"strategy"`
	Author       string       `json:"author"`
	Editors      []string     `json:"editors"`
	AlwaysReview bool         `json:"approvalRequired"`
}

type digestItem struct {
	Key         string   `json:"key"`
	Op          Op       `json:"op"`
	Value       string   `json:"value"` // as text: a value nests as deep as a document may
	BaseVersion int64    `json:"baseVersion"`
	Definition  int64    `json:"definitionVersion"`
	Defines     *Defines `json:"defines"`
	Locked      *bool    `json:"locked,omitempty"`
}

// ComputeDigest is SHA-256, in hex, over the canonical form of all that an approver signs.
func (c *Change) ComputeDigest() (string, error) {
	form := digestForm{
		ID: c.ID, TenantID: c.TenantID, Environment: c.Environment, Title: c.Title, Reason: c.Reason,
		Strategy: c.Strategy, Author: c.Author.String(), Editors: []string{}, AlwaysReview: c.AlwaysReview, Items: []digestItem{},
	}
	for _, e := range c.Editors {
		form.Editors = append(form.Editors, e.String())
	}
	for _, i := range c.Items {
		form.Items = append(form.Items, digestItem{i.Key, i.Op, i.Value.committed(), i.BaseVersion, i.Definition, i.Defines, i.Locked})
	}
	text, err := Canonical(form)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:]), nil
}

// Keys lists the keys of the items.
func (c *Change) Keys() []string {
	keys := make([]string, len(c.Items))
	for i, item := range c.Items {
		keys[i] = item.Key
	}
	return keys
}

// Tag is the entity tag of the change's present state.
func (c *Change) Tag() string { return `"` + c.Digest[:16] + "-" + itoa(int(c.Version)) + `"` }

// Editable tells whether the change still waits, so that it can be edited or cancelled; conflict if not.
func (c *Change) Editable() error {
	if !c.Status.Open() {
		return c.already()
	}
	return nil
}

// IsDraft tells whether the change can be submitted; conflict if not.
func (c *Change) IsDraft() error {
	if c.Status != ChangeDraft {
		return c.already()
	}
	return nil
}

func (c *Change) already() error { return Conflict("the change is already " + string(c.Status)) }

// maxTitleKeys bounds the keys of a title, in bytes: with a verb and an environment it is a valid title.
const maxTitleKeys = 130

// DefaultTitle says what a change does, for one that nobody named.
func (c *Change) DefaultTitle() string {
	first := c.Items[0]
	if first.Key == "" {
		return c.tenantTitle(first)
	}
	verb := verbs[first.Op]
	switch c.Origin {
	case OriginPromote:
		verb = "Promote "
	case OriginRollback:
		verb = "Roll back "
	}
	keys := c.Keys()
	shown := 1
	for length := len(keys[0]); shown < min(len(keys), 3); shown++ {
		if length += len(keys[shown]); length > maxTitleKeys {
			break
		}
	}
	title := verb + strings.Join(keys[:shown], ", ")
	if len(keys) > shown {
		title += " and " + itoa(len(keys)-shown) + " more"
	}
	if c.Origin == OriginPromote {
		return title + " to " + c.Environment
	}
	return title + " in " + c.Environment
}

// verbs begin the titles of changes.
var verbs = map[Op]string{
	OpSet: "Set ", OpDelete: "Delete ", OpLock: "Lock ", OpUnlock: "Unlock ", OpDefine: "Define ",
}

func (c *Change) tenantTitle(i Item) string {
	if i.Op == OpSuspend {
		return "Suspend " + c.TenantID
	}
	tier, _ := i.Value.Text()
	return "Move " + c.TenantID + " to the tier " + tier
}

// Retitle gives a change that nobody named the title of what it does by now.
func (c *Change) Retitle(before string) {
	if c.Title == before {
		c.Title = c.DefaultTitle()
	}
}

// Lapse shows a change that nobody decided in time as what it is, even before the job has said so.
func (c *Change) Lapse(now time.Time) ChangeStatus {
	if c.Status == ChangePending && c.expired(now) {
		c.Status = ChangeExpired
	}
	return c.Status
}

// Classify marks the items whose key is a secret by now.
func (c *Change) Classify(f Facts) {
	c.Conceal(func(key string) bool { return f.Definitions[key].Sensitive })
}

// Conceal marks the items whose key is a secret. What was one when the change was written stays one.
func (c *Change) Conceal(secret func(key string) bool) {
	for i := range c.Items {
		item := &c.Items[i]
		item.Sensitive = item.Sensitive || secret(item.Key)
	}
}

// Mask hides sensitive values: of a change nobody reads them.
func (c *Change) Mask() {
	for i := range c.Items {
		item := &c.Items[i]
		if !item.Sensitive {
			continue
		}
		if item.Plain() != "" {
			item.Value, item.Clear = Masked, Secret{}
		}
		if item.Previous != "" {
			item.Previous = Masked
		}
	}
}
