package status

import (
	"time"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Reasons and messages of the Ready condition are Karmada's.
const (
	ReasonReady            = "ClusterReady"
	ReasonNotReady         = "ClusterNotReady"
	ReasonNotReachable     = "ClusterNotReachable"
	ReasonCollectionFailed = "StatusCollectionFailed"

	messageReady        = "cluster is healthy and ready to accept workloads"
	messageNotReady     = "cluster is reachable but health endpoint responded without ok"
	messageNotReachable = "cluster is not reachable"
)

// health is what one probe found.
type health int

const (
	unreachable health = iota
	unhealthy
	// denied: the member answers, but not to our credential.
	denied
	healthy
)

func (h health) condition(cluster string) metav1.Condition {
	c := metav1.Condition{Type: clusterv1alpha1.ClusterConditionReady, Status: metav1.ConditionFalse}
	switch h {
	case healthy:
		c.Status, c.Reason, c.Message = metav1.ConditionTrue, ReasonReady, messageReady
	case unhealthy:
		c.Reason, c.Message = ReasonNotReady, messageNotReady
	case denied:
		c.Reason = ReasonNotReady
		c.Message = "cluster is reachable but refuses the control plane's credential; run: atoll join " + cluster + " --cluster-kubeconfig FILE"
	default:
		c.Reason, c.Message = ReasonNotReachable, messageNotReachable
	}
	return c
}

// readiness smooths what the probes find, so that a flapping network does not flap the Ready condition.
//
//	no condition yet             → what was observed, at once
//	observed as reported         → what was observed (its reason may have changed)
//	Ready, but probes fail       → Ready until they have failed for failureThreshold
//	not Ready, but probes pass   → not Ready until they have passed for successThreshold
//
// A controller that has just started has seen nothing yet. It trusts a success at once, as Karmada
// does, but a failure only after failureThreshold: losing a member is what costs.
type readiness struct {
	failureThreshold, successThreshold time.Duration

	seen  bool
	ok    bool      // what the last probe found
	since time.Time // when probes began to find that
}

// adjust returns the condition to report and whether it deviates from what was observed.
func (r *readiness) adjust(reported *metav1.Condition, observed metav1.Condition, now time.Time) (metav1.Condition, bool) {
	first := !r.seen
	ok := observed.Status == metav1.ConditionTrue
	if first || ok != r.ok {
		r.seen, r.ok, r.since = true, ok, now
	}
	if reported == nil || (reported.Status == metav1.ConditionTrue) == ok {
		return observed, false
	}
	threshold := r.failureThreshold
	if ok {
		threshold = r.successThreshold
		if first {
			r.since = now.Add(-threshold)
		}
	}
	if now.Sub(r.since) < threshold {
		return *reported, true
	}
	return observed, false
}
