package scheduler

import (
	"context"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/scheduler/binding"
	. "atoll.dev/atoll/pkg/scheduler/internal/fixture"
)

var api = binding.Key{Namespace: "default", Name: "api"}

// onPort is everywhere under a name and with a fixed port.
func onPort(name, ports string) *workv1alpha2.ResourceBinding {
	b := everywhere()
	b.Name, b.Spec.Resource.Name = name, name
	b.Annotations = map[string]string{wellknown.PortsAnnotation: ports}
	return b
}

func TestRefusedForAPeerUntilItMakesWay(t *testing.T) {
	const taken = "0/1 clusters fit: 1 port 80/TCP is taken by Deployment default/web"
	for _, c := range []struct {
		name    string
		makeWay func(*plane)
	}{
		{"it is gone", func(p *plane) { p.delete(p.get(web).Object) }},
		{"it moves", func(p *plane) {
			p.alter(web, func(b *binding.Binding) { b.Spec.Placement.ClusterAffinity = ptr.To(Named("nowhere")) })
		}},
		{"it changes its port", func(p *plane) {
			p.alter(web, func(b *binding.Binding) { b.Object.GetAnnotations()[wellknown.PortsAnnotation] = "host/TCP/81" })
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPlane(t, Cluster("a"), onPort("web", "host/TCP/80"))
			p.settle()
			p.create(onPort("api", "host/TCP/80"))
			p.settle()
			p.wants(web, "a:2")
			p.wants(api, "")
			p.wantsScheduled(api, metav1.ConditionFalse, "NoClusterFit", taken)
			p.patches = nil
			p.settle()
			if len(p.patches) > 0 {
				t.Errorf("tried again without a cause: %v", p.patches)
			}
			c.makeWay(p)
			p.settle()
			p.wants(api, "a:2")
			p.wantsScheduled(api, metav1.ConditionTrue, "Success", successMessage)
		})
	}
}

// A decision whose answer is lost holds what it took: the next one finds it taken.
func TestLostAnswer(t *testing.T) {
	p := newPlane(t, Cluster("a"), onPort("web", "host/TCP/80"), onPort("api", "host/TCP/80"))
	p.loseAnswer = true
	if _, err := p.scheduler.Reconcile(t.Context(), web); err == nil {
		t.Fatal("the failure went unnoticed")
	}
	if _, err := p.scheduler.Reconcile(t.Context(), api); err != nil { // before any watch tells of web
		t.Fatal(err)
	}
	p.settle()
	p.wants(web, "a:2")
	p.wants(api, "")
	p.wantsScheduled(web, metav1.ConditionTrue, "Success", successMessage)
}

// What is duplicated goes on to a cluster that a peer makes free, as it does to one that joins.
func TestGoesWhereAPeerMadeWay(t *testing.T) {
	only := onPort("web", "host/TCP/80")
	only.Spec.Placement.ClusterAffinity = ptr.To(Named("a"))
	p := newPlane(t, Cluster("a"), Cluster("b"), only)
	p.settle()
	p.create(onPort("api", "host/TCP/80"))
	p.settle()
	p.wants(api, "b:2")
	p.delete(p.get(web).Object)
	p.settle()
	p.wants(api, "a:2, b:2")
	p.restart()
	p.settle()
	if len(p.patches) > 0 {
		t.Errorf("written again after a restart: %v", p.patches)
	}
}

func TestAffinityGroupMovesTogether(t *testing.T) {
	member := func(name string) *workv1alpha2.ResourceBinding {
		b := everywhere()
		b.Name, b.Spec.Resource.Name = name, name
		b.Spec.WorkloadAffinityGroups = &workv1alpha2.WorkloadAffinityGroups{AffinityGroup: "app=shop"}
		b.Spec.Placement.ClusterAffinity = ptr.To(Named("a", "b"))
		return b
	}
	first := member("web")
	first.Spec.Placement.ClusterAffinity = ptr.To(Named("b"))
	p := newPlane(t, Cluster("a"), Cluster("b"), first)
	p.settle()
	p.create(member("api"))
	p.settle()
	p.wants(web, "b:2")
	p.wants(api, "b:2")
	for _, key := range []binding.Key{web, api} {
		p.alter(key, func(b *binding.Binding) { b.Spec.Placement.ClusterAffinity = ptr.To(Named("a")) })
	}
	p.settle()
	p.wants(web, "a:2")
	p.wants(api, "a:2")
}

// The loop that wakes bindings hears of peers.
func TestWakeHearsOfPeers(t *testing.T) {
	p := newPlane(t, Cluster("a"))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		p.scheduler.wake(ctx, p.alarm, p.queue)
		close(done)
	}()
	holder := onPort("web", "host/TCP/80")
	holder.Spec.Clusters = []workv1alpha2.TargetCluster{On("a", 2)}
	p.scheduler.bindings.Observe(holder)
	p.scheduler.bindings.Observe(onPort("api", "host/TCP/80"))
	p.scheduler.bindings.Forget(holder)
	if key, _ := p.queue.Get(); key != api {
		t.Errorf("woken %s, want %s", key, api)
	}
	cancel()
	<-done
}
