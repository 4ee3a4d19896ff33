package binding

import (
	"fmt"
	"slices"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/propagation/footprint"
)

// Stake is something that workloads share or dispute in each cluster where they are.
type Stake struct {
	Kind StakeKind
	// Namespace to which an affinity group is confined; empty for ports.
	Namespace string
	// Name of the group, "app=web", or the port, "30080/TCP".
	Name string
}

// StakeKind says what a Stake is.
type StakeKind uint8

// Kinds of stakes.
const (
	AffinityGroup StakeKind = iota
	AntiAffinityGroup
	NodePort
	// HostPort is a stake whatever the address: peers may have different ones.
	HostPort
)

// Member is a binding that has stakes. It is immutable.
type Member struct {
	Key Key
	// Template that the binding places, in words: "Service default/web".
	Template string
	// Namespace of the template, empty if it has none.
	Namespace string
	// Groups of a ResourceBinding; both are empty if it is in none.
	Groups workv1alpha2.WorkloadAffinityGroups
	// Ports that the template takes of nodes.
	Ports []footprint.Port
	// Placed are the clusters of spec.clusters, sorted.
	Placed []string
	// Present are the clusters in which the workload may be, sorted: those of Placed,
	// those from which it is being evicted, and those of bindings that require it.
	Present []string
}

// MemberOf returns what a binding has a part in, or nil if it has no stakes.
func MemberOf(key Key, spec *workv1alpha2.ResourceBindingSpec, annotations map[string]string) *Member {
	groups := spec.WorkloadAffinityGroups
	if spec.Resource.Namespace == "" { // groups are for what has a namespace
		groups = nil
	}
	ports := annotations[wellknown.PortsAnnotation]
	if groups == nil && ports == "" {
		return nil
	}
	m := &Member{Key: key, Template: templateName(spec.Resource), Namespace: spec.Resource.Namespace, Ports: footprint.ParsePorts(ports)}
	if groups != nil {
		m.Groups = *groups
	}
	for _, target := range spec.Clusters {
		m.Placed = append(m.Placed, target.Name)
	}
	m.Present = slices.Clone(m.Placed)
	for i := range spec.GracefulEvictionTasks {
		m.Present = append(m.Present, spec.GracefulEvictionTasks[i].FromCluster)
	}
	for i := range spec.RequiredBy {
		for _, target := range spec.RequiredBy[i].Clusters {
			m.Present = append(m.Present, target.Name)
		}
	}
	m.Placed, m.Present = sortedSet(m.Placed), sortedSet(m.Present)
	return m
}

// In returns the same member as it will be once it is placed in the clusters.
func (m *Member) In(targets []workv1alpha2.TargetCluster) *Member {
	then := *m
	then.Placed = make([]string, 0, len(targets))
	for _, target := range targets {
		then.Placed = append(then.Placed, target.Name)
	}
	then.Placed = sortedSet(then.Placed)
	then.Present = then.Placed
	return &then
}

// IsPlaced tells whether the workload is placed in the cluster.
func (m *Member) IsPlaced(cluster string) bool { return has(m.Placed, cluster) }

// IsPresent tells whether the workload may be in the cluster.
func (m *Member) IsPresent(cluster string) bool { return has(m.Present, cluster) }

// Stakes returns what the member has a part in; it repeats none.
func (m *Member) Stakes() []Stake {
	var stakes []Stake
	if m.Groups.AffinityGroup != "" {
		stakes = append(stakes, Stake{AffinityGroup, m.Namespace, m.Groups.AffinityGroup})
	}
	if m.Groups.AntiAffinityGroup != "" {
		stakes = append(stakes, Stake{AntiAffinityGroup, m.Namespace, m.Groups.AntiAffinityGroup})
	}
	return append(stakes, m.PortStakes()...)
}

// PortStakes returns those of Stakes that are ports.
func (m *Member) PortStakes() []Stake {
	var stakes []Stake
	for i, port := range m.Ports {
		stake := Stake{Kind: NodePort, Name: port.String()}
		if port.Use == footprint.HostPort {
			stake.Kind = HostPort
		}
		if i == 0 || stakes[len(stakes)-1] != stake { // ports are sorted, those that differ in address alone side by side
			stakes = append(stakes, stake)
		}
	}
	return stakes
}

func (m *Member) equal(o *Member) bool {
	return m.Template == o.Template && m.Groups == o.Groups && slices.Equal(m.Ports, o.Ports) &&
		slices.Equal(m.Placed, o.Placed) && slices.Equal(m.Present, o.Present)
}

func templateName(r workv1alpha2.ObjectReference) string {
	if r.Namespace == "" {
		return fmt.Sprintf("%s %s", r.Kind, r.Name)
	}
	return fmt.Sprintf("%s %s/%s", r.Kind, r.Namespace, r.Name)
}

func sortedSet(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}

func has(sorted []string, name string) bool {
	_, found := slices.BinarySearch(sorted, name)
	return found
}
