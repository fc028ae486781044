package demo

import (
	"slices"

	"github.com/hotswap/hotswap/models"
)

// The layers above the tenants.
const (
	platform   = models.Platform
	free       = "@tier.free"
	pro        = "@tier.pro"
	enterprise = "@tier.enterprise"
)

// key is what a key is, and what it is set to where the story begins.
type key struct {
	name   string
	about  string
	kind   models.ValueType
	schema string // JSON Schema; empty for none
	secret bool
	deep   bool              // objects of the layers are merged
	on     map[string]across // by layer
}

// merge is how values of the layers come together.
func (k key) merge() models.Merge {
	if k.deep {
		return models.MergeDeep
	}
	return models.MergeReplace
}

// across is a value's JSON text in Development, QA, Staging and Production; empty where none is set.
type across [4]string

func same(value string) across { return across{value, value, value, value} }

// allKeys are the keys of the six uses.
func allKeys() []key {
	return slices.Concat(features, application, rules, appearance, integrations, gradual)
}

// startingValues sets what each layer holds, one change for each layer and environment.
func startingValues() (steps []step) {
	for n, environment := range []string{development, qa, staging, production} {
		for _, l := range startingLayers() {
			l.environment = environment
			for _, k := range allKeys() {
				if value := k.on[l.layer][n]; value != "" {
					l.edits = append(l.edits, edit{k.name, value})
				}
			}
			if len(l.edits) > 0 {
				steps = append(steps, l)
			}
		}
	}
	return steps
}

// startingLayers say who set each layer up and why, in the order of a chain.
func startingLayers() []step {
	tier := func(layer, name string) step {
		return step{
			place: place{layer: layer, title: "What the plan " + name + " includes"}, by: engineer2,
			reason: "As on the price list.", said: []string{"Compared with the price list.", "", "No personal data in here."},
		}
	}
	layers := []step{
		{
			place: place{layer: platform, title: "Defaults for all tenants"}, by: admin,
			reason: "Moved here from the settings file of the monolith, one by one.",
			said:   []string{"Checked against the old file, key by key.", "Good to have these in one place.", "Both secrets are defined as sensitive."},
		},
		tier(free, "Free"), tier(pro, "Pro"), tier(enterprise, "Enterprise"),
	}
	for _, c := range companies {
		layers = append(layers, step{
			place: place{layer: c.id, title: "Set up " + c.name}, by: engineer,
			reason: "As agreed in the kick-off call.", said: []string{"Matches the onboarding sheet."},
		})
	}
	return layers
}
