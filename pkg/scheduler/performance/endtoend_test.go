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
	"k8s.io/apimachinery/pkg/util/wait"
	toolscache "k8s.io/client-go/tools/cache"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/pkg/apiserver"
	"atoll.dev/atoll/pkg/scheduler"
	. "atoll.dev/atoll/pkg/scheduler/internal/fixture"
)

const (
	clusterCount = 100
	// perNamespace is how many bindings share a namespace.
	perNamespace = 500
)

var (
	bindings = flag.Int("bindings", 5000, "how many bindings BenchmarkEndToEnd places")
	workers  = flag.Int("workers", 0, "how many bindings are placed at the same time; 0 for the default")
)

// BenchmarkEndToEnd measures how fast a scheduler that starts places bindings that
// wait, through the API server and its etcd, which run in the same process: from its
// start until its own watch has shown every one of them placed. It reports
//
//	decisions/s      bindings by wall clock
//	cpu-µs/decision  processor time of everything, the API server, etcd and the events included
//	units/decision   the same in units of the ruler, measured at the same time
//	events/decision  events found when all was done; two a decision are told
func BenchmarkEndToEnd(b *testing.B) {
	p := startPlane(b)
	p.makeClusters(b)
	count := float64(*bindings)
	b.ResetTimer()
	for n := range b.N {
		b.StopTimer()
		p.makeBindings(b, n)
		measured := newRuler().sample()
		spent := processorTime()
		b.StartTimer()
		began := time.Now()
		stop := p.schedule(b)
		took := time.Since(began)
		events := p.awaitEvents(b, n)
		told := time.Since(began)
		spent = processorTime() - spent
		b.StopTimer()
		unit := measured()
		stop()
		b.ReportMetric(count/took.Seconds(), "decisions/s")
		b.ReportMetric(float64(spent.Microseconds())/count, "cpu-µs/decision")
		b.ReportMetric(float64(spent)/float64(unit)/count, "units/decision")
		b.ReportMetric(float64(unit.Microseconds()), "µs/unit")
		b.ReportMetric(float64(events)/count, "events/decision")
		b.ReportMetric(told.Seconds(), "s-until-told")
	}
}

func (p *plane) makeClusters(b *testing.B) {
	b.Helper()
	for i := range clusterCount {
		c := Cluster(fmt.Sprintf("member-%03d", i), Label("set", fmt.Sprint(i%10)), At("p", fmt.Sprint("r", i%5), "z"), Allocatable(corev1.ResourceList{
			corev1.ResourcePods: resource.MustParse("100000"), corev1.ResourceCPU: resource.MustParse("50000"), corev1.ResourceMemory: resource.MustParse("200Ti"),
		}))
		c.Spec.SyncMode = "Push"
		status := c.Status.DeepCopy()
		must(b, p.client.Create(b.Context(), c))
		c.Status = *status
		must(b, p.client.Status().Update(b.Context(), c))
	}
}

// placements are what the bindings ask for in turn: 10 clusters, 10, up to 50, and 2 to 5.
func placements() []policyv1alpha1.Placement {
	set := func(n int) *policyv1alpha1.ClusterAffinity {
		return &policyv1alpha1.ClusterAffinity{LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"set": fmt.Sprint(n)}}}
	}
	return []policyv1alpha1.Placement{
		{ClusterAffinity: set(1), ReplicaScheduling: Duplicated()},
		{ClusterAffinity: set(2), ReplicaScheduling: Static()},
		{ReplicaScheduling: Dynamic()},
		{ReplicaScheduling: Aggregated(), SpreadConstraints: []policyv1alpha1.SpreadConstraint{
			{SpreadByField: policyv1alpha1.SpreadByFieldCluster, MinGroups: 2, MaxGroups: 5},
		}},
	}
}

func namespace(round, i int) string { return fmt.Sprintf("round-%d-%d", round, i/perNamespace) }

func (p *plane) makeBindings(b *testing.B, round int) {
	b.Helper()
	for i := 0; i < *bindings; i += perNamespace {
		must(b, p.client.Create(b.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace(round, i)}}))
	}
	all := placements()
	var group errgroup.Group
	group.SetLimit(16)
	for i := range *bindings {
		group.Go(func() error {
			spec := Deployment(20, all[i%len(all)])
			spec.Resource.Name, spec.Resource.Namespace = fmt.Sprintf("web-%04d", i), namespace(round, i)
			spec.ReplicaRequirements.ResourceRequest = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("250m"), corev1.ResourceMemory: resource.MustParse("1Gi")}
			rb := ResourceBinding(spec.Resource.Name+"-deployment", spec)
			rb.Namespace = spec.Resource.Namespace
			return p.client.Create(b.Context(), rb)
		})
	}
	must(b, group.Wait())
}

// schedule runs a scheduler and returns when every binding is placed, and what stops the scheduler.
func (p *plane) schedule(b *testing.B) (stop func()) {
	b.Helper()
	mgr, err := ctrl.NewManager(p.config(apiserver.SchedulerUser), manager.Options{
		Scheme: p.scheme, Metrics: metricsserver.Options{BindAddress: "0"}, HealthProbeBindAddress: "0",
		Client: client.Options{Cache: &client.CacheOptions{}},
	})
	must(b, err)
	ctx, cancel := context.WithCancel(context.Background())
	placed := newTally(*bindings)
	informer, err := mgr.GetCache().GetInformer(ctx, &workv1alpha2.ResourceBinding{})
	must(b, err)
	_, err = informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc:    func(o any) { placed.see(o.(*workv1alpha2.ResourceBinding)) },
		UpdateFunc: func(_, o any) { placed.see(o.(*workv1alpha2.ResourceBinding)) },
	})
	must(b, err)
	must(b, scheduler.Setup(ctx, mgr, scheduler.Options{Workers: *workers}))
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	select {
	case <-placed.all:
	case err := <-ended:
		b.Fatalf("the scheduler ended: %v", err)
	case <-time.After(5 * time.Minute):
		b.Fatal("not all bindings are placed after 5 minutes")
	}
	return func() {
		cancel()
		must(b, <-ended)
	}
}

// tally counts bindings that are placed.
type tally struct {
	mu     sync.Mutex
	placed map[string]bool
	wants  int
	all    chan struct{}
}

func newTally(wants int) *tally {
	return &tally{placed: map[string]bool{}, wants: wants, all: make(chan struct{})}
}

func (t *tally) see(b *workv1alpha2.ResourceBinding) {
	if len(b.Spec.Clusters) == 0 || b.Status.SchedulerObservedGeneration != b.Generation || !meta.IsStatusConditionTrue(b.Status.Conditions, workv1alpha2.Scheduled) {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	key := b.Namespace + "/" + b.Name
	if t.placed[key] {
		return
	}
	t.placed[key] = true
	if len(t.placed) == t.wants {
		close(t.all)
	}
}

// awaitEvents returns how many events there are once no more come, or two a binding are there.
func (p *plane) awaitEvents(b *testing.B, round int) (events int) {
	b.Helper()
	before, still := -1, 0
	_ = wait.PollUntilContextTimeout(b.Context(), 500*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		events = 0
		for i := 0; i < *bindings; i += perNamespace {
			list := &metav1.PartialObjectMetadataList{}
			list.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("EventList"))
			// One page is enough: what remains is counted by the server.
			must(b, p.client.List(ctx, list, client.InNamespace(namespace(round, i)), client.Limit(1)))
			events += len(list.Items)
			if more := list.GetRemainingItemCount(); more != nil {
				events += int(*more)
			}
		}
		if events == before {
			still++
		} else {
			still = 0
		}
		before = events
		return events == 2**bindings || still == 6, nil
	})
	return events
}
