package models

import (
	"regexp"
	"strconv"
)

// Strategy is how an approved change becomes live. It is data and enters a change's digest by value.
type Strategy struct {
	Name    string         `json:"name"`
	Version int64          `json:"version"`
	Unit    string         `json:"unit"` // UnitInstance, UnitTenant, or "" for a strategy without steps
	Steps   []StrategyStep `json:"steps"`
	Gates   []StrategyGate `json:"gates"`
	Watch   string         `json:"watch"` // duration
}

// StrategyStep is one step on the way to 100 %.
type StrategyStep struct {
	Percent int    `json:"percent"`
	Hold    string `json:"hold"` // duration
	Manual  bool   `json:"manual"`
}

// StrategyGate decides at a step whether to hold, advance or roll back.
type StrategyGate struct {
	Kind string `json:"kind"`
}

// What is on one side of a deployment as a whole.
const (
	UnitInstance = "instance" // any id that the reader sends, a user's as well
	UnitTenant   = "tenant"
)

// StrategyDirect makes a change live at once.
const StrategyDirect = "direct"

// StrategyNamed returns a preset.
func StrategyNamed(name string) (Strategy, bool) {
	if name != StrategyDirect {
		return Strategy{}, false
	}
	return Strategy{
		Name: StrategyDirect, Version: 1, Watch: "0s",
		Steps: []StrategyStep{{Percent: 100, Hold: "0s"}}, Gates: []StrategyGate{},
	}, true
}

var stagePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)

func itoa(i int) string { return strconv.Itoa(i) }
