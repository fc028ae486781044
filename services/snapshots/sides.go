package snapshots

import (
	"sync"
	"sync/atomic"

	"github.com/hotswap/hotswap/models"
	"github.com/hotswap/hotswap/services/configs"
)

// maxSides is how many deployments on one chain readers may be on the candidate side of; all are on the stable side
// of those beyond.
const maxSides = 64

// sides tells of each overlay of a chain, topmost layer first, whether a reader is on its candidate side: a bit for
// each. None is the stable side of all.
type sides uint64

// overlay is one of a chain's, with the place of how far it has come.
type overlay struct {
	*configs.Overlay
	progress *atomic.Pointer[models.Progress]
}

// sidesOf are those of a reader now.
func sidesOf(overlays []overlay, tenantID, unit string) (out sides) {
	for i, o := range overlays {
		if p := o.progress.Load(); p != nil && p.Candidate(o.Unit, o.Salt, tenantID, unit) {
			out |= 1 << i
		}
	}
	return out
}

// progresses is how far each deployment on its way has come, as far as this node knows.
type progresses struct{ all sync.Map } // deployment id → *atomic.Pointer[models.Progress]

func (p *progresses) at(deploymentID string) *atomic.Pointer[models.Progress] {
	if held, ok := p.all.Load(deploymentID); ok {
		return held.(*atomic.Pointer[models.Progress])
	}
	held, _ := p.all.LoadOrStore(deploymentID, new(atomic.Pointer[models.Progress]))
	return held.(*atomic.Pointer[models.Progress])
}

// Advance notes how far a deployment on its way has come. Readers are on their new sides at once; no answer is made
// anew for it.
func (s *Service) Advance(deploymentID string, to models.Progress) {
	s.progress.at(deploymentID).Store(&to)
	s.hub.noteSteps()
}

// Ended forgets a deployment that is on its way no more, when no layer set has its overlay.
func (s *Service) Ended(deploymentID string) { s.progress.all.Delete(deploymentID) }

// overlaysOf are the overlays of a chain.
func (s *Service) overlaysOf(sets []*configs.LayerSet) (out []overlay) {
	for _, set := range sets {
		for _, o := range set.Overlays {
			if len(out) < maxSides {
				out = append(out, overlay{o, s.progress.at(o.DeploymentID)})
			}
		}
	}
	return out
}

// seen are the sets of a chain as they are seen from these sides of its overlays.
func (of sides) seen(sets []*configs.LayerSet) []*configs.LayerSet {
	if of == 0 {
		return sets
	}
	out, n := make([]*configs.LayerSet, len(sets)), 0
	for i, set := range sets {
		var candidate []*configs.Overlay
		for _, o := range set.Overlays {
			if n < maxSides && of&(1<<n) != 0 {
				candidate = append(candidate, o)
			}
			n++
		}
		out[i] = set.On(candidate)
	}
	return out
}
