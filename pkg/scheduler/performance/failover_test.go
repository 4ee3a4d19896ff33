//go:build bench

package performance

import (
	"context"
	"flag"
	"fmt"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	toolscache "k8s.io/client-go/tools/cache"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/pkg/apiserver"
	"atoll.dev/atoll/pkg/propagation/failover"
	"atoll.dev/atoll/pkg/scheduler"
	. "atoll.dev/atoll/pkg/scheduler/internal/fixture"
)

var evictions = flag.Int("evictions", 10000, "how many bindings BenchmarkFailover moves off a dead member")

// BenchmarkFailover measures how fast workloads leave a dead member: from its NoExecute taint until a
// watch has shown every binding evicted and placed elsewhere by the scheduler, through the API server
// and its etcd, which run in the same process. It reports
//
//	s-until-moved  for all of them
//	bindings/s     by wall clock
//	cpu-µs/move    processor time of everything, events included
//	units/move     the same in units of the ruler, measured at the same time
func BenchmarkFailover(b *testing.B) {
	if b.N > 1 {
		b.Fatal("run it with -benchtime 1x: a member dies once")
	}
	p := startPlane(b)
	member(b, p, 0)
	p.makeDivided(b)
	moved, stop := p.runFailover(b)
	defer stop()
	moved.await(b, "member-000", true)
	for i := range 9 {
		member(b, p, i+1)
	}
	measured := newRuler().sample()
	spent := processorTime()
	b.ResetTimer()
	began := time.Now()
	p.kill(b, "member-000")
	moved.await(b, "member-000", false)
	took := time.Since(began)
	spent = processorTime() - spent
	b.StopTimer()
	unit := measured()
	count := float64(*evictions)
	b.ReportMetric(took.Seconds(), "s-until-moved")
	b.ReportMetric(count/took.Seconds(), "bindings/s")
	b.ReportMetric(float64(spent.Microseconds())/count, "cpu-µs/move")
	b.ReportMetric(float64(spent)/float64(unit)/count, "units/move")
}

func member(b *testing.B, p *plane, i int) {
	b.Helper()
	c := Cluster(fmt.Sprintf("member-%03d", i), Allocatable(corev1.ResourceList{
		corev1.ResourcePods: resource.MustParse("100000"), corev1.ResourceCPU: resource.MustParse("50000"), corev1.ResourceMemory: resource.MustParse("200Ti"),
	}))
	c.Spec.SyncMode = clusterv1alpha1.Push
	status := c.Status.DeepCopy()
	must(b, p.client.Create(b.Context(), c))
	c.Status = *status
	must(b, p.client.Status().Update(b.Context(), c))
}

// kill makes the member what membership and a ClusterTaintPolicy make of one that has not answered for a while.
func (p *plane) kill(b *testing.B, name string) {
	b.Helper()
	c := &clusterv1alpha1.Cluster{}
	must(b, p.client.Get(b.Context(), client.ObjectKey{Name: name}, c))
	meta.SetStatusCondition(&c.Status.Conditions, metav1.Condition{
		Type: clusterv1alpha1.ClusterConditionReady, Status: metav1.ConditionUnknown, Reason: "Benchmark",
		LastTransitionTime: metav1.NewTime(time.Now().Add(-time.Minute)),
	})
	must(b, p.client.Status().Update(b.Context(), c))
	c.Spec.Taints = append(c.Spec.Taints, corev1.Taint{Key: clusterv1alpha1.TaintClusterUnreachable, Effect: corev1.TaintEffectNoExecute})
	must(b, p.client.Update(b.Context(), c))
}

// makeDivided makes bindings of two replicas each that go to one cluster.
func (p *plane) makeDivided(b *testing.B) {
	b.Helper()
	for i := 0; i < *evictions; i += perNamespace {
		must(b, p.client.Create(b.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace(0, i)}}))
	}
	var group errgroup.Group
	group.SetLimit(16)
	for i := range *evictions {
		group.Go(func() error {
			spec := Deployment(2, policyv1alpha1.Placement{ReplicaScheduling: Aggregated()})
			spec.Resource.Name, spec.Resource.Namespace = fmt.Sprintf("web-%05d", i), namespace(0, i)
			rb := ResourceBinding(spec.Resource.Name+"-deployment", spec)
			rb.Namespace = spec.Resource.Namespace
			return p.client.Create(b.Context(), rb)
		})
	}
	must(b, group.Wait())
}

// whereabouts follows which bindings are in a cluster and which elsewhere.
type whereabouts struct {
	mu       sync.Mutex
	clusters map[string][]workv1alpha2.TargetCluster
	changed  chan struct{}
}

func (w *whereabouts) see(o any) {
	b := o.(*workv1alpha2.ResourceBinding)
	w.mu.Lock()
	w.clusters[b.Namespace+"/"+b.Name] = b.Spec.Clusters
	w.mu.Unlock()
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

// await waits until all bindings are placed, all in the cluster or none.
func (w *whereabouts) await(b *testing.B, cluster string, there bool) {
	b.Helper()
	deadline := time.After(5 * time.Minute)
	for {
		count := 0
		w.mu.Lock()
		for _, targets := range w.clusters {
			spec := workv1alpha2.ResourceBindingSpec{Clusters: targets}
			if len(targets) > 0 && spec.TargetContains(cluster) == there {
				count++
			}
		}
		w.mu.Unlock()
		if count == *evictions {
			return
		}
		select {
		case <-w.changed:
			time.Sleep(20 * time.Millisecond) // a batch at a time
		case <-deadline:
			b.Fatalf("%d of %d bindings after 5 minutes", count, *evictions)
		}
	}
}

// runFailover runs a scheduler and the failover.
func (p *plane) runFailover(b *testing.B) (w *whereabouts, stop func()) {
	b.Helper()
	w = &whereabouts{clusters: map[string][]workv1alpha2.TargetCluster{}, changed: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 2)
	for user, setup := range map[string]func(manager.Manager) error{
		apiserver.SchedulerUser: func(mgr manager.Manager) error { return scheduler.Setup(ctx, mgr, scheduler.Options{}) },
		apiserver.ControllersUser: func(mgr manager.Manager) error {
			informer, err := mgr.GetCache().GetInformer(ctx, &workv1alpha2.ResourceBinding{})
			if err != nil {
				return err
			}
			if _, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{AddFunc: w.see, UpdateFunc: func(_, o any) { w.see(o) }}); err != nil {
				return err
			}
			return mgr.Add(failover.New(failover.Options{
				Cache: mgr.GetCache(), Client: mgr.GetClient(), Recorder: mgr.GetEventRecorderFor("TaintManager"),
			}))
		},
	} {
		mgr, err := ctrl.NewManager(p.config(user), manager.Options{
			Scheme: p.scheme, Metrics: metricsserver.Options{BindAddress: "0"}, HealthProbeBindAddress: "0",
			Client: client.Options{Cache: &client.CacheOptions{}},
		})
		must(b, err)
		must(b, setup(mgr))
		go func() { ended <- mgr.Start(ctx) }()
	}
	return w, func() {
		cancel()
		must(b, <-ended)
		must(b, <-ended)
	}
}
