package snapshot

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"

	"atoll.dev/atoll/pkg/membership/capacity"
)

// Fields of a Cluster that a field selector may name.
const (
	ProviderField = "provider"
	RegionField   = "region"
	ZoneField     = "zone"
)

// Cluster is one member as the scheduler sees it. It is immutable: everything
// reachable from it is shared and must not be written.
type Cluster struct {
	Name string
	// Labels of the Cluster object.
	Labels labels.Set
	// Fields holds provider and region, each only if the Cluster has it. Zones are
	// apart, as a cluster can lie in several.
	Fields labels.Set
	Zones  []string
	// Taints that keep workloads away: those with effect NoSchedule or NoExecute.
	Taints []corev1.Taint
	// Leaving is set from the moment that the Cluster object is being deleted.
	Leaving bool
	// Room is what is left for new workloads; nil as long as the member has not reported it.
	Room Room
	// Nodes is what the member's nodes can still hold; nil as long as nobody watches them.
	Nodes *capacity.View
	// Object is what the fields above were parsed from.
	Object *clusterv1alpha1.Cluster

	apis map[api]struct{}
}

// Room is the quantity of each resource that is neither used nor asked for yet:
// CPU in thousandths, everything else in units. It may be negative.
type Room map[corev1.ResourceName]int64

type api struct{ groupVersion, kind string }

// Serves tells whether the member is known to serve the kind.
func (c *Cluster) Serves(apiVersion, kind string) bool {
	_, ok := c.apis[api{apiVersion, kind}]
	return ok
}

// parse makes the Cluster of an object; prev, its predecessor or nil, lends what did not change.
func parse(object *clusterv1alpha1.Cluster, prev *Cluster) *Cluster {
	c := &Cluster{
		Name:    object.Name,
		Labels:  object.Labels,
		Fields:  labels.Set{},
		Zones:   object.Spec.Zones,
		Leaving: !object.DeletionTimestamp.IsZero(),
		Room:    parseRoom(object.Status.ResourceSummary),
		Object:  object,
	}
	if object.Spec.Provider != "" {
		c.Fields[ProviderField] = object.Spec.Provider
	}
	if object.Spec.Region != "" {
		c.Fields[RegionField] = object.Spec.Region
	}
	for _, t := range object.Spec.Taints {
		if t.Effect == corev1.TaintEffectNoSchedule || t.Effect == corev1.TaintEffectNoExecute {
			c.Taints = append(c.Taints, t)
		}
	}
	if prev != nil && sameEnablements(prev.Object.Status.APIEnablements, object.Status.APIEnablements) {
		c.apis = prev.apis
	} else {
		c.apis = parseAPIs(object.Status.APIEnablements)
	}
	return c
}

func parseAPIs(enablements []clusterv1alpha1.APIEnablement) map[api]struct{} {
	apis := map[api]struct{}{}
	for _, e := range enablements {
		for _, r := range e.Resources {
			apis[api{e.GroupVersion, r.Kind}] = struct{}{}
		}
	}
	return apis
}

func sameEnablements(a, b []clusterv1alpha1.APIEnablement) bool {
	return slices.EqualFunc(a, b, func(x, y clusterv1alpha1.APIEnablement) bool {
		return x.GroupVersion == y.GroupVersion && slices.Equal(x.Resources, y.Resources)
	})
}

func parseRoom(s *clusterv1alpha1.ResourceSummary) Room {
	if s == nil {
		return nil
	}
	room := make(Room, len(s.Allocatable))
	for name, q := range s.Allocatable {
		left := q.DeepCopy()
		left.Sub(s.Allocated[name])
		left.Sub(s.Allocating[name])
		if name == corev1.ResourceCPU {
			room[name] = left.MilliValue()
		} else {
			room[name] = left.Value()
		}
	}
	return room
}

// grew tells whether any resource has more room in b than in a.
func grew(a, b Room) bool {
	if a == nil {
		return b != nil
	}
	for name, left := range b {
		if before, ok := a[name]; !ok || left > before {
			return true
		}
	}
	return false
}

func sameTopology(a, b *Cluster) bool {
	return maps.Equal(a.Fields, b.Fields) && slices.Equal(a.Zones, b.Zones)
}
