package bind

import (
	"context"
	"fmt"
	"slices"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"atoll.dev/atoll/pkg/propagation/failover"
	"atoll.dev/atoll/pkg/propagation/twin"
)

// direct returns the clusters that are being left directly: those that must be empty before others are
// entered, and those whose Work stays for now. It stays while there is no other place for the whole
// workload, and while the cluster is lost, so that nobody knows whether the workload would have
// another place by the time that it could be deleted. Nobody waits for a lost cluster.
func (b *Binder) direct(ctx context.Context, binding twin.Binding) (empty, stay sets.Set[string], err error) {
	empty, stay = sets.New[string](), sets.New[string]()
	elsewhere := failover.Replaced(binding.Spec)
	for name := range purgedDirectly(binding.Spec) {
		var cluster clusterv1alpha1.Cluster
		err := b.opts.Client.Get(ctx, types.NamespacedName{Name: name}, &cluster, client.UnsafeDisableDeepCopy)
		switch {
		case apierrors.IsNotFound(err):
		case err != nil:
			return nil, nil, fmt.Errorf("reading cluster %s: %w", name, err)
		case !elsewhere || lost(&cluster):
			stay.Insert(name)
		default:
			empty.Insert(name)
		}
	}
	return empty, stay, nil
}

// lost tells whether a cluster is known not to be ready.
func lost(c *clusterv1alpha1.Cluster) bool {
	ready := meta.FindStatusCondition(c.Status.Conditions, clusterv1alpha1.ClusterConditionReady)
	return ready != nil && ready.Status != metav1.ConditionTrue
}

// clusterBack has bindings looked at that wait for the cluster to be emptied.
func (b *Binder) clusterBack(name string) {
	ctx := context.Background() // reads from the cache
	// A list that is not there yet concerns nobody: its objects' own events are still to come.
	_ = twin.EachBinding(ctx, b.opts.Client, func(binding twin.Binding) {
		if len(binding.Spec.GracefulEvictionTasks) > 0 && purgedDirectly(binding.Spec).Has(name) {
			b.queue.Add(client.ObjectKeyFromObject(binding))
		}
	})
}

// restore gives a manifest the labels that carry a workload's state from the cluster that it had to leave.
// As in Karmada that is done where it moves from its clusters, directly, to a single new one.
func restore(spec *workv1alpha2.ResourceBindingSpec, cluster string, clusters int, manifest *unstructured.Unstructured) {
	if clusters != 1 || len(spec.GracefulEvictionTasks) == 0 {
		return
	}
	last := spec.GracefulEvictionTasks[len(spec.GracefulEvictionTasks)-1]
	if direct(last) && len(last.PreservedLabelState) > 0 && !slices.Contains(last.ClustersBeforeFailover, cluster) {
		addLabels(manifest, last.PreservedLabelState)
	}
}
