package scheduler

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"sigs.k8s.io/controller-runtime/pkg/event"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/pkg/scheduler/binding"
	. "atoll.dev/atoll/pkg/scheduler/internal/fixture"
	"atoll.dev/atoll/pkg/scheduler/reservation"
)

// endClaims lets so much time pass that all pods count as shown by their members.
func (p *plane) endClaims() {
	p.clock.SetTime(p.clock.Now().Add(reservation.Expiry))
	p.scheduler.claims.Sweep(p.scheduler.bindings)
	p.deliver()
}

func TestRoomIsGivenAwayOnce(t *testing.T) {
	api := binding.Key{Namespace: "default", Name: "api"}
	p := newPlane(t, Cluster("a", Pods(5)), ResourceBinding("web", Deployment(3, placement{ReplicaScheduling: Dynamic()})))
	p.settle()
	p.create(ResourceBinding("api", Deployment(3, placement{ReplicaScheduling: Dynamic()})))
	p.settle()
	p.wants(web, "a:3")
	p.wants(api, "")
	p.wantsScheduled(api, metav1.ConditionFalse, "Unschedulable",
		"failed to assign replicas: failed to scale up: Clusters available replicas 2 are not enough to schedule.")

	t.Log("what a binding gives back is there for who waits for it")
	p.alter(web, func(b *binding.Binding) { b.Spec.Replicas = 2 })
	p.settle()
	p.wants(web, "a:2")
	p.wants(api, "a:3")
}

func TestEndOfAClaimWakesWhoWaits(t *testing.T) {
	api := binding.Key{Namespace: "default", Name: "api"}
	p := newPlane(t, Cluster("a", Pods(5)), ResourceBinding("web", Deployment(3, placement{ReplicaScheduling: Dynamic()})))
	p.settle()
	p.create(ResourceBinding("api", Deployment(3, placement{ReplicaScheduling: Dynamic()})))
	p.settle()
	p.wants(api, "")
	p.delete(p.get(web).Object)
	p.deliver()
	p.scheduler.claims.Sweep(p.scheduler.bindings)
	p.settle()
	p.wants(api, "a:3")
}

func TestARestartKeepsClaims(t *testing.T) {
	api := binding.Key{Namespace: "default", Name: "api"}
	p := newPlane(t, Cluster("a", Pods(5)), ResourceBinding("web", Deployment(3, placement{ReplicaScheduling: Dynamic()})))
	p.settle()
	p.restart()
	initial := event.TypedCreateEvent[*workv1alpha2.ResourceBinding]{Object: p.get(web).Object.(*workv1alpha2.ResourceBinding), IsInInitialList: true}
	bindingEvents[*workv1alpha2.ResourceBinding](p.scheduler).Create(t.Context(), initial, p.queue)
	p.create(ResourceBinding("api", Deployment(3, placement{ReplicaScheduling: Dynamic()})))
	p.settle()
	p.wants(api, "")
	p.endClaims()
	p.settle()
	p.wants(api, "a:3")
}
