package models

import "time"

// RollbackWindow is how long after a change the versions it replaced can be had back without stages.
const RollbackWindow = 72 * time.Hour

// Replaced is what the lane back without stages is judged by, for one key.
type Replaced struct {
	ChangeID  string    // the last change of the key
	Origin    string    // of that change
	RollsBack string    // of that change: it was such a rollback itself
	At        time.Time // since when it is live
	Version   int64     // the version that it replaced; 0 for none
	Stages    []Stage   // that the content of the target version was approved by
	Unsure    bool      // the target version is itself the result of a rollback: its stages are not its own
}

// Lane tells whether the actor may lead the key back to the version without stages: it is the one that the last change
// replaced, not long ago, once, and it was approved as strictly as today's policy asks. The change is one of that key.
func (c *Change) Lane(r Replaced, to int64, f Facts, by Actor) bool {
	return by.Can(PermRollback, c.TenantID, c.Environment) &&
		r.ChangeID != "" && r.RollsBack == "" && r.Version == to && !r.Unsure &&
		f.At.Sub(r.At) <= RollbackWindow && covers(r.Stages, f.StagesFor(c))
}

// covers tells whether stages that were passed ask for no less than others.
func covers(passed, asked []Stage) bool {
	for _, a := range asked {
		met := false
		for _, p := range passed {
			met = met || p.Role == a.Role && p.Required >= a.Required
		}
		if !met {
			return false
		}
	}
	return true
}
