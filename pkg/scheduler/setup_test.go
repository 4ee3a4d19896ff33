package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/pkg/scheduler"
	"atoll.dev/atoll/pkg/scheduler/binding"
	. "atoll.dev/atoll/pkg/scheduler/internal/fixture"
)

// run runs a scheduler until the returned function is called.
func (s *server) run(t *testing.T, opts scheduler.Options) (stop func()) {
	t.Helper()
	mgr, err := ctrl.NewManager(s.config, ctrl.Options{
		Scheme: newScheme(t), MapperProvider: func(*rest.Config, *http.Client) (meta.RESTMapper, error) { return newMapper(), nil }, Metrics: metricsserver.Options{BindAddress: "0"}, HealthProbeBindAddress: "0",
	})
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	must(t, scheduler.Setup(ctx, mgr, opts))
	ended := make(chan error, 1)
	go func() { ended <- mgr.Start(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the manager ended with: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func (s *server) addCluster(t *testing.T, c *clusterv1alpha1.Cluster) {
	t.Helper()
	status := c.Status.DeepCopy()
	must(t, s.Create(t.Context(), c))
	c.Status = *status
	must(t, s.Status().Update(t.Context(), c))
}

// bindings returns all bindings of both scopes.
func (s *server) bindings(ctx context.Context) ([]*binding.Binding, error) {
	var all []*binding.Binding
	for _, list := range []client.ObjectList{&workv1alpha2.ResourceBindingList{}, &workv1alpha2.ClusterResourceBindingList{}} {
		if err := s.List(ctx, list); err != nil {
			return nil, err
		}
		objects, err := meta.ExtractList(list)
		if err != nil {
			return nil, err
		}
		for _, o := range objects {
			all = append(all, binding.Of(o.(client.Object)))
		}
	}
	return all, nil
}

// decisions returns how often any scheduler of this process has looked at a binding.
func decisions(t *testing.T) (n int) {
	t.Helper()
	families, err := metrics.Registry.Gather()
	must(t, err)
	for _, family := range families {
		if family.GetName() == "controller_runtime_reconcile_total" {
			for _, m := range family.GetMetric() {
				n += int(m.GetCounter().GetValue())
			}
		}
	}
	return n
}

func sum(targets []workv1alpha2.TargetCluster) (n int32) {
	for _, target := range targets {
		n += target.Replicas
	}
	return n
}

// settled returns an error unless every binding is placed and says so.
func (s *server) settled(ctx context.Context, gone string) error {
	all, err := s.bindings(ctx)
	if err != nil {
		return err
	}
	for _, b := range all {
		key := binding.KeyOf(b.Object)
		switch {
		case !meta.IsStatusConditionTrue(b.Status.Conditions, workv1alpha2.Scheduled):
			return fmt.Errorf("%s: conditions %v", key, b.Status.Conditions)
		case b.Status.SchedulerObservedGeneration != b.Object.GetGeneration():
			return fmt.Errorf("%s: generation %d, observed %d", key, b.Object.GetGeneration(), b.Status.SchedulerObservedGeneration)
		case sum(b.Spec.Clusters) != b.Spec.Replicas:
			return fmt.Errorf("%s: %d replicas on %v", key, b.Spec.Replicas, b.Spec.Clusters)
		case b.Spec.TargetContains(gone):
			return fmt.Errorf("%s: on %s, which is gone", key, gone)
		}
	}
	return nil
}

func TestSetup(t *testing.T) {
	s := startServer(t)
	t.Run("what waits is woken", s.testWaking)
	t.Run("what is stuck goes elsewhere", s.testStuck)
	t.Run("peers", s.testPeers)
	t.Run("many writers", s.testManyWriters)
}

// testManyWriters runs a scheduler while others write to the same bindings and
// clusters come and go, and then restarts it with nothing left to do.
func (s *server) testManyWriters(t *testing.T) {
	const count = 60
	for i := range 4 {
		s.addCluster(t, Cluster(fmt.Sprintf("m%d", i), Pods(10000)))
	}
	stop := s.run(t, scheduler.Options{})

	var writers sync.WaitGroup
	for i := range count {
		writers.Go(func() {
			strategy := Static()
			if i%2 == 0 {
				strategy = Dynamic()
			}
			spec := Deployment(int32(4+i%5), policyv1alpha1.Placement{ReplicaScheduling: strategy})
			var object client.Object = ResourceBinding(fmt.Sprintf("b%02d", i), spec)
			if i%5 == 0 {
				object = ClusterResourceBinding(fmt.Sprintf("b%02d", i), spec)
			}
			if err := s.Create(t.Context(), object); err != nil {
				t.Error(err)
				return
			}
			// The aggregator's part of the status, and a user who scales.
			if err := s.write(t.Context(), object, func(b *binding.Binding) {
				meta.SetStatusCondition(&b.Status.Conditions, metav1.Condition{Type: workv1alpha2.FullyApplied, Status: metav1.ConditionTrue, Reason: "Applied"})
			}, s.Status().Update); err != nil {
				t.Error(err)
			}
			if err := s.write(t.Context(), object, func(b *binding.Binding) { b.Spec.Replicas += 3 }, updater(s.Client)); err != nil {
				t.Error(err)
			}
		})
	}
	writers.Go(func() {
		if err := s.Delete(t.Context(), Cluster("m0")); err != nil {
			t.Error(err)
		}
	})
	writers.Wait()
	eventually(t, "every binding is placed", func(ctx context.Context) error { return s.settled(ctx, "m0") })
	all, err := s.bindings(t.Context())
	must(t, err)
	if len(all) != count {
		t.Fatalf("%d bindings, want %d", len(all), count)
	}
	for _, b := range all {
		if !meta.IsStatusConditionTrue(b.Status.Conditions, workv1alpha2.FullyApplied) {
			t.Errorf("%s lost the condition of another writer", binding.KeyOf(b.Object))
		}
	}

	stop()
	looked, patched := decisions(t), s.patches.Load()
	stop = s.run(t, scheduler.Options{})
	eventually(t, "every binding was looked at again", func(context.Context) error {
		if n := decisions(t) - looked; n < count {
			return fmt.Errorf("%d of %d", n, count)
		}
		return nil
	})
	stop()
	if n := s.patches.Load() - patched; n != 0 {
		t.Errorf("a restart with nothing changed wrote %d times", n)
	}
}

func updater(c client.Client) func(context.Context, client.Object, ...client.SubResourceUpdateOption) error {
	return func(ctx context.Context, o client.Object, _ ...client.SubResourceUpdateOption) error {
		return c.Update(ctx, o)
	}
}

// write changes a binding until no other writer is in the way.
func (s *server) write(ctx context.Context, o client.Object, change func(*binding.Binding),
	send func(context.Context, client.Object, ...client.SubResourceUpdateOption) error) error {
	for range 100 {
		b := binding.New(binding.KeyOf(o))
		if err := s.Get(ctx, client.ObjectKeyFromObject(o), b.Object); err != nil {
			return err
		}
		change(b)
		if err := send(ctx, b.Object); !apierrors.IsConflict(err) {
			return err
		}
	}
	return errors.New("always in conflict")
}

func (s *server) testWaking(t *testing.T) {
	s.addCluster(t, Cluster("small", Pods(2)))
	spec := Deployment(5, policyv1alpha1.Placement{ReplicaScheduling: Dynamic(), ClusterAffinity: ptr.To(Named("small", "large"))})
	object := ResourceBinding("web", spec)
	must(t, s.Create(t.Context(), object))
	stop := s.run(t, scheduler.Options{Workers: 1})
	wants := func(condition metav1.ConditionStatus, reason, clusters string) {
		t.Helper()
		eventually(t, "web is "+reason+" on "+clusters, func(ctx context.Context) error {
			if err := s.Get(ctx, client.ObjectKeyFromObject(object), object); err != nil {
				return err
			}
			c := meta.FindStatusCondition(object.Status.Conditions, workv1alpha2.Scheduled)
			if c == nil || c.Status != condition || c.Reason != reason || fmt.Sprint(object.Spec.Clusters) != clusters {
				return fmt.Errorf("clusters %v, condition %v", object.Spec.Clusters, c)
			}
			return nil
		})
	}
	wants(metav1.ConditionFalse, "Unschedulable", "[]")
	s.addCluster(t, Cluster("large", Pods(8)))
	wants(metav1.ConditionTrue, "Success", "[{large 4} {small 1}]")
	stop()
	for _, o := range []client.Object{object, Cluster("small"), Cluster("large")} {
		must(t, s.Delete(t.Context(), o))
	}
}

func TestSetupRefusesBadOptions(t *testing.T) {
	if err := scheduler.Setup(t.Context(), nil, scheduler.Options{Workers: -1}); err == nil {
		t.Error("a negative number of workers is accepted")
	}
}
