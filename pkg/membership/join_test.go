package membership_test

import (
	"testing"
	"time"

	"atoll.dev/atoll/pkg/membership"
)

func TestJoinMakesAMemberReadyInASecond(t *testing.T) {
	p := startPlane(t, membership.Options{})
	req := p.request(t, "m1", 1)
	req.Wait = true
	began := time.Now()
	res := p.join(t, req)
	t.Logf("%+v in %s", res, time.Since(began))
	c := p.cluster(t, "m1")
	t.Logf("%+v", c.Status.Conditions)
	t.Logf("%+v %+v taints %v fin %v", c.Status.NodeSummary, c.Status.ResourceSummary, c.Spec.Taints, c.Finalizers)
}
