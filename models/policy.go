package models

import (
	"slices"
	"time"
)

// Stage is one approval a change needs: so many people who hold the role.
type Stage struct {
	Name     string `json:"name"`
	Role     Role   `json:"role"`
	Required int    `json:"required"`
}

// Policy says what a change in an environment needs. It belongs to the platform or to the layer of a tier;
// a tier's policy replaces the platform's for that tier.
type Policy struct {
	TenantID          string
	Environment       string
	Stages            []Stage
	DefaultStrategy   string
	AllowedStrategies []string
	RequirePrevious   bool          // the same value must be live in the environment before
	MinSoak           time.Duration // for how long
	ExpiresIn         time.Duration // how long a change may wait for its decisions
	Version           int64
	UpdatedAt         time.Time
}

// The bounds of how long a change may wait.
const (
	MinExpiry     = 24 * time.Hour
	MaxExpiry     = 30 * 24 * time.Hour
	DefaultExpiry = 7 * 24 * time.Hour
	MaxStages     = 8
	MaxRequired   = 10
)

// Validate checks what an operator wrote. Fields point into the policy document.
func (p Policy) Validate() error {
	var bad []FieldError
	add := func(pointer, message string) { bad = append(bad, FieldError{pointer, message}) }
	if len(p.Stages) > MaxStages {
		add("/stages", "at most 8 stages")
	}
	seen := map[string]bool{}
	for i, s := range p.Stages {
		at := "/stages/" + itoa(i)
		if !stagePattern.MatchString(s.Name) || seen[s.Name] {
			add(at+"/name", "a stage needs a name of its own: lower-case letters, digits and -")
		}
		seen[s.Name] = true
		if !s.Role.Decides() {
			add(at+"/role", "only engineer, manager and compliance decide")
		}
		if s.Required < 1 || s.Required > MaxRequired {
			add(at+"/required", "between 1 and 10 approvals")
		}
	}
	for i, name := range p.AllowedStrategies {
		if _, ok := StrategyNamed(name); !ok {
			add("/allowedStrategies/"+itoa(i), "no such strategy")
		}
	}
	if !slices.Contains(p.AllowedStrategies, p.DefaultStrategy) {
		add("/defaultStrategy", "the default must be one of the allowed strategies")
	}
	if p.ExpiresIn < MinExpiry || p.ExpiresIn > MaxExpiry {
		add("/expiresIn", "between 24h and 720h")
	}
	if p.MinSoak < 0 || p.MinSoak > MaxExpiry {
		add("/minSoak", "between 0 and 720h")
	}
	return InvalidFields(bad)
}

// Strictest is the union of policies: every stage of any of them with the larger number of approvals,
// every restriction of any of them. The order of stages is kept. It needs at least one policy.
func Strictest(policies []Policy) Policy {
	out := policies[0]
	out.AllowedStrategies = slices.Clone(out.AllowedStrategies)
	lists := [][]Stage{out.Stages}
	for _, p := range policies[1:] {
		lists = append(lists, p.Stages)
		out.RequirePrevious = out.RequirePrevious || p.RequirePrevious
		out.MinSoak = max(out.MinSoak, p.MinSoak)
		out.ExpiresIn = min(out.ExpiresIn, p.ExpiresIn)
		out.AllowedStrategies = slices.DeleteFunc(out.AllowedStrategies, func(name string) bool {
			return !slices.Contains(p.AllowedStrategies, name)
		})
		if !slices.Contains(out.AllowedStrategies, out.DefaultStrategy) {
			out.DefaultStrategy = p.DefaultStrategy
		}
	}
	out.Stages = MergeStages(lists...)
	return out
}
