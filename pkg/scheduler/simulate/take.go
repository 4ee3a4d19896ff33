package simulate

import (
	"maps"

	corev1 "k8s.io/api/core/v1"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// Take returns the clusters with less room: that which a workload's placement takes
// beyond the replicas that it holds there already.
func Take(s *snapshot.Snapshot, spec *workv1alpha2.ResourceBindingSpec, placement []workv1alpha2.TargetCluster) *snapshot.Snapshot {
	held := map[string]int32{}
	for _, t := range spec.Clusters {
		held[t.Name] = t.Replicas
	}
	for _, t := range placement {
		c := s.Get(t.Name)
		if c == nil {
			continue
		}
		less := *c
		taken := false
		for _, p := range pods(spec, int64(t.Replicas), int64(held[t.Name])) {
			if p.count <= 0 {
				continue
			}
			taken = true
			less.Room = takeRoom(less.Room, p)
		}
		if taken {
			s = s.With(&less)
		}
	}
	return s
}

// set is pods that are alike.
type set struct {
	count   int64
	request corev1.ResourceList
}

// pods are what a cluster gets in addition to what it holds.
func pods(spec *workv1alpha2.ResourceBindingSpec, replicas, held int64) []set {
	if len(spec.Components) > 0 {
		for _, target := range spec.Clusters { // components are not divided: where they are, they are as a whole
			if target.Replicas == 0 {
				held = 1
			}
		}
		if held > 0 {
			return nil
		}
		sets := make([]set, 0, len(spec.Components))
		for i := range spec.Components {
			p := set{count: int64(spec.Components[i].Replicas)}
			if r := spec.Components[i].ReplicaRequirements; r != nil {
				p.request = r.ResourceRequest
			}
			sets = append(sets, p)
		}
		return sets
	}
	p := set{count: replicas - held}
	if r := spec.ReplicaRequirements; r != nil {
		p.request = r.ResourceRequest
	}
	return []set{p}
}

// takeRoom returns the room without the pods; that of a member that reports none stays unknown.
func takeRoom(room snapshot.Room, p set) snapshot.Room {
	if room == nil {
		return nil
	}
	less := maps.Clone(room)
	if _, ok := less[corev1.ResourcePods]; ok {
		less[corev1.ResourcePods] -= p.count
	}
	for name, q := range p.request {
		if _, ok := less[name]; !ok {
			continue
		}
		if name == corev1.ResourceCPU {
			less[name] -= q.MilliValue() * p.count
		} else {
			less[name] -= q.Value() * p.count
		}
	}
	return less
}
