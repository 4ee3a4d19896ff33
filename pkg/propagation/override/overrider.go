package override

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/propagation/changes"
	"atoll.dev/atoll/pkg/propagation/selection"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// Overrider answers what a cluster gets of a template.
type Overrider struct {
	cache    cache.Cache
	policies Policies
	clusters snapshot.Store
}

// New returns an overrider that knows of nothing until it listens.
func New(c cache.Cache) *Overrider { return &Overrider{cache: c} }

// Change tells of policies, or clusters that policies target, that changed.
type Change struct {
	// Concerns tells whether what clusters get of the template may differ now.
	Concerns func(template selection.Object) bool
	// Removed is set if overrides were taken away.
	Removed bool
}

// Listen watches policies and clusters, and returns when all that are there have been
// taken in. Later changes are told one by one.
func (o *Overrider) Listen(ctx context.Context, told func(Change)) error {
	started := make(chan struct{})
	tell := func(c Change) {
		select {
		case <-started:
			told(c)
		default: // nothing was made with less than this
		}
	}
	var synced []toolscache.InformerSynced
	for _, watch := range []struct {
		object  client.Object
		changed func(old, new client.Object)
	}{
		{&policyv1alpha1.OverridePolicy{}, func(old, new client.Object) { o.policyChanged(old, new, tell) }},
		{&policyv1alpha1.ClusterOverridePolicy{}, func(old, new client.Object) { o.policyChanged(old, new, tell) }},
		{&clusterv1alpha1.Cluster{}, func(old, new client.Object) { o.clusterChanged(old, new, tell) }},
	} {
		delivered, err := changes.Of(ctx, o.cache, watch.object, watch.changed)
		if err != nil {
			return fmt.Errorf("watching %T for overrides: %w", watch.object, err)
		}
		synced = append(synced, delivered)
	}
	if !toolscache.WaitForCacheSync(ctx.Done(), synced...) {
		return ctx.Err()
	}
	close(started)
	return nil
}

func (o *Overrider) policyChanged(old, new client.Object, tell func(Change)) {
	if old != nil && new != nil && old.GetGeneration() == new.GetGeneration() && new.GetDeletionTimestamp().IsZero() {
		return
	}
	var now *policy
	key := client.ObjectKey{}
	if new != nil {
		key, now = client.ObjectKeyFromObject(new), parse(new)
	} else {
		key = client.ObjectKeyFromObject(old)
	}
	before := o.policies.set(key, now)
	tell(Change{Removed: now == nil, Concerns: func(t selection.Object) bool {
		return before != nil && before.matches(t) > selection.Mismatch || now != nil && now.matches(t) > selection.Mismatch
	}})
}

// clusterChanged concerns the templates that any policy means: a rule may take the cluster in or leave it out now.
func (o *Overrider) clusterChanged(old, new client.Object, tell func(Change)) {
	if new == nil {
		o.clusters.Delete(old.GetName())
		return
	}
	e := o.clusters.Set(new.(*clusterv1alpha1.Cluster))
	if e.Before != nil && e.Change.Has(snapshot.Labels|snapshot.Topology) {
		tell(Change{Concerns: func(t selection.Object) bool { return len(o.policies.all(t)) > 0 }})
	}
}

// Result is what overrides made of a manifest.
type Result struct {
	// Manifest is the one that was given, changed.
	Manifest *unstructured.Unstructured
	// Annotations record on the Work what was applied.
	Annotations map[string]string
	// Policies that were applied, in order, as events name them.
	Policies []string
}

// Apply changes a manifest for one cluster, in place. An error names the policy.
func (o *Overrider) Apply(manifest *unstructured.Unstructured, cluster string) (Result, error) {
	result := Result{Manifest: manifest}
	policies := o.policies.all(manifest)
	if len(policies) == 0 {
		return result, nil
	}
	target := o.clusters.Snapshot().Get(cluster)
	if target == nil {
		return result, fmt.Errorf("cluster %s is not known", cluster)
	}
	var clusterWide, namespaced []applied
	for _, p := range policies {
		for i := range p.rules {
			r := &p.rules[i]
			if !r.clusters.Matches(target) {
				continue
			}
			if err := apply(manifest, &r.overriders); err != nil {
				return result, &Error{Policy: p.String(), err: err}
			}
			if name := p.String(); !slices.Contains(result.Policies, name) {
				result.Policies = append(result.Policies, name)
			}
			if p.namespace == "" {
				clusterWide = append(clusterWide, applied{p.name, r.overriders})
			} else {
				namespaced = append(namespaced, applied{p.name, r.overriders})
			}
		}
	}
	var err error
	result.Annotations, err = record(clusterWide, namespaced)
	return result, err
}

// Error is that a policy could not be applied.
type Error struct {
	// Policy as events name it.
	Policy string
	err    error
}

func (e *Error) Error() string { return fmt.Sprintf("applying %s: %v", e.Policy, e.err) }
func (e *Error) Unwrap() error { return e.err }

// String names the policy as Karmada's events do.
func (p *policy) String() string {
	if p.namespace == "" {
		return "cluster override policy(" + p.name + ")"
	}
	return "override policy(" + p.namespace + "/" + p.name + ")"
}

// applied is how Karmada records an override on a Work.
type applied struct {
	PolicyName string                    `json:"policyName"`
	Overriders policyv1alpha1.Overriders `json:"overriders"`
}

func record(clusterWide, namespaced []applied) (map[string]string, error) {
	annotations := map[string]string{}
	for key, items := range map[string][]applied{
		wellknown.AppliedClusterOverridesAnnotation: clusterWide, wellknown.AppliedOverridesAnnotation: namespaced,
	} {
		if len(items) == 0 {
			continue
		}
		slices.SortStableFunc(items, func(a, b applied) int { return strings.Compare(a.PolicyName, b.PolicyName) })
		raw, err := json.Marshal(items)
		if err != nil {
			return nil, fmt.Errorf("recording the overrides applied: %w", err)
		}
		annotations[key] = string(raw)
	}
	return annotations, nil
}
