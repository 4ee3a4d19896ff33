package dependencies

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	configv1alpha1 "github.com/karmada-io/karmada/pkg/apis/config/v1alpha1"
	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"atoll.dev/atoll/pkg/propagation/selection"
	"atoll.dev/atoll/pkg/propagation/twin"
)

// requirement is what one binding requires, and where.
type requirement struct {
	binding    types.NamespacedName
	id         string
	clusters   []workv1alpha2.TargetCluster
	overwrites bool
	preserves  bool
	references []selection.Selector
}

// requirementOf is what a binding with these dependencies requires; nil if nothing.
func requirementOf(b twin.Binding, dependencies []configv1alpha1.DependentObjectReference) (*requirement, error) {
	clusters := whereabouts(b.Spec)
	if len(clusters) == 0 || len(dependencies) == 0 {
		return nil, nil
	}
	r := &requirement{
		binding: b.Key(), id: b.PermanentID(), clusters: clusters,
		overwrites: b.Spec.ConflictResolution == policyv1alpha1.ConflictOverwrite,
		preserves:  ptr.Deref(b.Spec.PreserveResourcesOnDeletion, false),
	}
	for _, d := range dependencies {
		s := selection.Selector{Kind: schema.FromAPIVersionAndKind(d.APIVersion, d.Kind), Namespace: d.Namespace, Name: d.Name}
		switch {
		case d.APIVersion == "" || d.Kind == "":
			return nil, fmt.Errorf("a dependency has apiVersion %q and kind %q: both must be given", d.APIVersion, d.Kind)
		case d.Name == "" && d.LabelSelector == nil:
			return nil, fmt.Errorf("a dependency on %s has neither name nor labelSelector", d.Kind)
		case d.Name == "":
			var err error
			if s.Labels, err = metav1.LabelSelectorAsSelector(d.LabelSelector); err != nil {
				return nil, fmt.Errorf("the labelSelector of a dependency on %s: %w", d.Kind, err)
			}
		}
		r.references = append(r.references, s)
	}
	return r, nil
}

// whereabouts are the clusters that hold the workload of a binding: those it is placed in, and those that
// it is being evicted from gracefully, where it goes on running until the new ones have it.
func whereabouts(spec *workv1alpha2.ResourceBindingSpec) []workv1alpha2.TargetCluster {
	clusters := slices.Clone(spec.Clusters)
	for _, task := range spec.GracefulEvictionTasks {
		held := func(c workv1alpha2.TargetCluster) bool { return c.Name == task.FromCluster }
		direct := task.PurgeMode == policyv1alpha1.PurgeModeDirectly || task.PurgeMode == policyv1alpha1.Immediately
		if !direct && !slices.ContainsFunc(clusters, held) {
			clusters = append(clusters, workv1alpha2.TargetCluster{Name: task.FromCluster, Replicas: ptr.Deref(task.Replicas, 0)})
		}
	}
	return clusters
}

// recorded reads the dependencies that a binding was annotated with. What cannot be read is as if it were not there.
func recorded(annotation string) []configv1alpha1.DependentObjectReference {
	var dependencies []configv1alpha1.DependentObjectReference
	if annotation == "" || json.Unmarshal([]byte(annotation), &dependencies) != nil {
		return nil
	}
	return dependencies
}

// snapshots are requirements as spec.requiredBy lists them, in the order of namespaces and names.
func snapshots(requirements []*requirement) []workv1alpha2.BindingSnapshot {
	var all []workv1alpha2.BindingSnapshot
	for _, r := range requirements {
		all = append(all, workv1alpha2.BindingSnapshot{Namespace: r.binding.Namespace, Name: r.binding.Name, Clusters: slices.Clone(r.clusters)})
	}
	return all
}

// behaviour is what holds for a template that only requirements send: one that overwrites what it
// finds, or preserves it, does so for all (as in Karmada).
func behaviour(requirements []*requirement) (resolution policyv1alpha1.ConflictResolution, preserve bool, disagreement string) {
	var overwrite, abort, keep, remove bool
	for _, r := range requirements {
		overwrite, abort = overwrite || r.overwrites, abort || !r.overwrites
		keep, remove = keep || r.preserves, remove || !r.preserves
	}
	resolution = policyv1alpha1.ConflictAbort
	if overwrite {
		resolution = policyv1alpha1.ConflictOverwrite
	}
	var parts []string
	if overwrite && abort {
		parts = append(parts, "ConflictResolution conflicted (Overwrite vs Abort)")
	}
	if keep && remove {
		parts = append(parts, "PreserveResourcesOnDeletion conflicted (true vs false)")
	}
	return resolution, keep, strings.Join(parts, "; ")
}

func compareRequirements(a, b *requirement) int {
	if c := strings.Compare(a.binding.Namespace, b.binding.Namespace); c != 0 {
		return c
	}
	return strings.Compare(a.binding.Name, b.binding.Name)
}

// everything selects by no labels at all.
var everything = labels.Everything()
