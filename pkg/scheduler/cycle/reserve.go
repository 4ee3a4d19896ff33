package cycle

import "context"

// Reserve claims for a decision what others being made at the same time must not
// take too. It returns false if one of them was faster: decide again. Otherwise
// release gives the claims back; call it once, when the decision has been written
// down or has failed to be.
func (c *Cycle) Reserve(ctx context.Context, decision Result) (release func(written bool), ok bool) {
	releases := make([]func(bool), 0, len(c.reservers))
	release = func(written bool) {
		for _, r := range releases {
			r(written)
		}
	}
	for _, plugin := range c.reservers {
		r, ok := plugin.Reserve(ctx, decision.Request, decision.Clusters)
		if !ok {
			release(false)
			return nil, false
		}
		releases = append(releases, r)
	}
	return release, true
}
