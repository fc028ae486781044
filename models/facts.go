package models

import (
	"slices"
	"time"
)

// Live is where one key of a layer stands in an environment.
type Live struct {
	ConfigID string
	Last     int64 // number of the newest version, live or not
	Version  int64 // live version; 0 when none is
	Value    Value // live value
	Locked   bool  // nothing below overrides it
	LiveFrom time.Time
	Size     int64
}

// Facts are what a change is checked against: read in one statement under the locks of its layer, valid
// until the transaction ends.
type Facts struct {
	At          time.Time // the instant of the transaction, later than every instant of the layer before
	Layer       Tenant
	Environment string
	Previous    string                 // the environment before; empty for the first
	Policies    []Policy               // one per kind of heir; at least one
	Definitions map[string]Definition  // by key: the topmost of the chain
	Below       map[string][]ValueType // by key: types that layers below gave a key that the chain does not define
	Live        map[string]Live        // by key
	Locks       map[string]string      // by key: the topmost layer above that locks it
	Before      map[string]Live        // by key, in the environment before
	Keys        int64                  // live keys of the layer in the environment
	Bytes       int64                  // of their values
	Roles       Head                   // the control head of bindings and people
	Wide        *Wide                  // of changes that reach over environments; nil for all others
}

// Wide is what a definition, a tier or a status is checked against besides: they hold in all environments.
type Wide struct {
	Environments []string            // in their order
	Policies     map[string][]Policy // by environment: one per kind of heir; for a change of tier those of both tiers
	Live         map[string][]string // by key: environments in which the layer or one below has a live value
}

// touches are the environments, besides the change's own, in which the item moves what readers see.
func (i *Item) touches(f Facts) []string {
	switch {
	case f.Wide == nil:
		return nil
	case i.Op == OpRetier || i.Op == OpSuspend:
		return f.Wide.Environments
	case i.Op == OpDefine && i.Defines.On(f.Definitions[i.Key]).Moves(f.Definitions[i.Key]):
		return f.Wide.Live[i.Key]
	default:
		return nil
	}
}

// Policy is what the change must satisfy: the strictest of its targets'.
func (f Facts) Policy() Policy { return Strictest(f.Policies) }

// reviewStage is opened by approvalRequired where the policy has no stage.
func reviewStages() []Stage { return []Stage{{Name: "engineer", Role: RoleEngineer, Required: 1}} }

// StagesFor are the stages that the policy of this moment asks of the change.
func (f Facts) StagesFor(c *Change) []Stage {
	lists := [][]Stage{f.Policy().Stages}
	for i := range c.Items {
		for _, environment := range c.Items[i].touches(f) {
			lists = append(lists, Strictest(f.Wide.Policies[environment]).Stages)
		}
	}
	stages := MergeStages(lists...)
	if len(stages) == 0 && c.AlwaysReview {
		return reviewStages()
	}
	return stages
}

// Reaches tells whether the change is checked against more than its own environment.
func (c *Change) Reaches() bool {
	return slices.ContainsFunc(c.Items, func(i Item) bool { return i.Op.Reaches() })
}

// TierLayer is the layer of the tier that the change moves its tenant to; empty when it moves none.
func (c *Change) TierLayer() string {
	for _, i := range c.Items {
		if tier, ok := i.Value.Text(); ok && i.Op == OpRetier {
			return TierLayer(tier)
		}
	}
	return ""
}

// OnTenant tells whether the operation moves the tenant itself and has no key.
func (o Op) OnTenant() bool { return o == OpRetier || o == OpSuspend }

// Valid tells whether there is such an operation.
func (o Op) Valid() bool {
	return slices.Contains([]Op{OpSet, OpDelete, OpLock, OpUnlock, OpDefine, OpRetier, OpSuspend}, o)
}

// Reaches tells whether the operation holds in all environments.
func (o Op) Reaches() bool { return o == OpDefine || o.OnTenant() }
