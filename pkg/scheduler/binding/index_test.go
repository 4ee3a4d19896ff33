package binding_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/scheduler/binding"
	"atoll.dev/atoll/pkg/scheduler/internal/fixture"
)

// member makes a binding of Deployment name in a namespace, none if that is empty.
func member(namespace, name string, groups *workv1alpha2.WorkloadAffinityGroups, ports string, clusters ...string) client.Object {
	spec := fixture.Deployment(1, policyv1alpha1.Placement{})
	spec.Resource.Namespace, spec.Resource.Name = namespace, name
	spec.WorkloadAffinityGroups = groups
	for _, c := range clusters {
		spec.Clusters = append(spec.Clusters, fixture.On(c, 1))
	}
	var o client.Object
	if namespace == "" {
		o = fixture.ClusterResourceBinding(name, spec)
	} else {
		o = fixture.ResourceBinding(name, spec)
		o.SetNamespace(namespace)
	}
	if ports != "" {
		o.SetAnnotations(map[string]string{wellknown.PortsAnnotation: ports})
	}
	return o
}

var (
	namespaces = []string{"", "n1", "n2"}
	groupSets  = []*workv1alpha2.WorkloadAffinityGroups{nil, {AffinityGroup: "app=a"}, {AntiAffinityGroup: "app=a"}, {AffinityGroup: "app=b", AntiAffinityGroup: "app=a"}}
	portSets   = []string{"", "node/TCP/30080", "host/TCP/80@10.0.0.1,host/TCP/80@10.0.0.2", "host/TCP/80,node/TCP/30080"}
	allStakes  = func() []binding.Stake {
		var all []binding.Stake
		for _, ns := range namespaces {
			for _, group := range []string{"app=a", "app=b"} {
				all = append(all, binding.Stake{Kind: binding.AffinityGroup, Namespace: ns, Name: group}, binding.Stake{Kind: binding.AntiAffinityGroup, Namespace: ns, Name: group})
			}
		}
		return append(all, binding.Stake{Kind: binding.NodePort, Name: "30080/TCP"}, binding.Stake{Kind: binding.HostPort, Name: "80/TCP"})
	}()
)

func peersOf(s *binding.Store) map[binding.Stake][]*binding.Member {
	found := map[binding.Stake][]*binding.Member{}
	for _, stake := range allStakes {
		if peers := s.Peers().Peers(stake, binding.Key{}); len(peers) > 0 {
			found[stake] = peers
		}
	}
	return found
}

// The index is what a fresh one over the same bindings would be, after any sequence of events.
func TestIndexDoesNotDrift(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var s binding.Store
	version, largest := 0, 0
	for step := range 5000 {
		var clusters []string
		for range rng.IntN(3) {
			clusters = append(clusters, fmt.Sprint("m", rng.IntN(4)))
		}
		o := member(namespaces[rng.IntN(3)], fmt.Sprint("w", rng.IntN(8)), groupSets[rng.IntN(4)], portSets[rng.IntN(4)], clusters...)
		version++
		o.SetResourceVersion(strconv.Itoa(max(1, version-rng.IntN(3)*5))) // now and then one that comes too late
		o.SetUID(types.UID(strconv.Itoa(rng.IntN(10) / 9)))               // now and then one that was made again
		spec := binding.Of(o).Spec
		if rng.IntN(4) == 0 {
			spec.GracefulEvictionTasks = []workv1alpha2.GracefulEvictionTask{{FromCluster: fmt.Sprint("m", rng.IntN(4))}}
		}
		if rng.IntN(4) == 0 {
			spec.RequiredBy = []workv1alpha2.BindingSnapshot{{Clusters: []workv1alpha2.TargetCluster{fixture.On("m1", 0)}}}
		}
		switch rng.IntN(6) {
		case 0:
			s.Forget(o)
		case 1, 2:
			s.Assume(o)
		default:
			s.Observe(o)
		}
		if step%50 != 0 {
			continue
		}
		var fresh binding.Store
		for _, b := range s.All() {
			fresh.Observe(b.Object)
		}
		got, want := peersOf(&s), peersOf(&fresh)
		largest = max(largest, len(want))
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("step %d: got %v, a fresh index has %v", step, got, want)
		}
	}
	if largest < 6 {
		t.Errorf("never more than %d stakes were held: the events are too dull", largest)
	}
}

func TestStakes(t *testing.T) {
	for _, c := range []struct {
		name   string
		object client.Object
		want   string
	}{
		{"none", member("n", "w", nil, ""), "no member"},
		{"both groups", member("n", "w", &workv1alpha2.WorkloadAffinityGroups{AffinityGroup: "a=1", AntiAffinityGroup: "b=2"}, ""), "[{0 n a=1} {1 n b=2}]"},
		{"groups of what has no namespace", member("", "w", &workv1alpha2.WorkloadAffinityGroups{AffinityGroup: "a=1"}, ""), "no member"},
		{"ports, addresses apart", member("n", "w", nil, "host/TCP/80@10.0.0.1,host/TCP/80@10.0.0.2,host/UDP/80,node/TCP/80"), "[{3  80/TCP} {3  80/UDP} {2  80/TCP}]"},
		{"ports of what has no namespace", member("", "w", nil, "node/TCP/80"), "[{2  80/TCP}]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := binding.Of(c.object)
			got := "no member"
			if m := binding.MemberOf(binding.KeyOf(c.object), b.Spec, c.object.GetAnnotations()); m != nil {
				if len(m.Stakes()) > 0 {
					got = fmt.Sprint(m.Stakes())
				}
			}
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// Whoever may have been refused for a peer is told when that peer makes way, and not otherwise.
func TestFreed(t *testing.T) {
	group := &workv1alpha2.WorkloadAffinityGroups{AntiAffinityGroup: "app=a"}
	const port = "node/TCP/30080"
	for _, c := range []struct {
		name          string
		before, after client.Object
		want          string
	}{
		{"placed for the first time", member("n", "a", group, port), member("n", "a", group, port, "m1"), ""},
		{"placed the same way", member("n", "a", group, port, "m1"), member("n", "a", group, port, "m1"), ""},
		{"moved", member("n", "a", group, port, "m1"), member("n", "a", group, port, "m2"), "n/same-group n/same-port"},
		{"gone", member("n", "a", group, port, "m1"), nil, "n/same-group n/same-port"},
		{"gone without having been anywhere", member("n", "a", group, port), nil, ""},
		{"out of the group", member("n", "a", group, "", "m1"), member("n", "a", nil, "", "m1"), "n/same-group"},
		{"another port", member("n", "a", nil, port, "m1"), member("n", "a", nil, "node/TCP/1", "m1"), "n/same-port"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var s binding.Store
			s.Observe(member("n", "same-group", group, ""))
			s.Observe(member("n", "same-port", nil, port))
			s.Observe(member("n", "neither", &workv1alpha2.WorkloadAffinityGroups{AffinityGroup: "app=a"}, "node/UDP/30080"))
			c.before.SetResourceVersion("1")
			s.Observe(c.before)
			if c.after == nil {
				s.Forget(c.before)
			} else {
				c.after.SetResourceVersion("2")
				s.Assume(c.after)
			}
			raised := false
			select {
			case <-s.Peers().Freed():
				raised = true
			default:
			}
			var keys []string
			for _, key := range s.Peers().TakeFreed() {
				keys = append(keys, key.String())
			}
			slices.Sort(keys)
			if got := strings.Join(keys, " "); got != c.want || raised != (c.want != "") {
				t.Errorf("freed %q, raised %v; want %q", got, raised, c.want)
			}
			if again := s.Peers().TakeFreed(); len(again) > 0 {
				t.Errorf("freed again: %v", again)
			}
		})
	}
}

func TestClaim(t *testing.T) {
	var s binding.Store
	written := member("n", "written", nil, "node/TCP/1", "m1")
	s.Observe(written)
	claimant := func(name string) *binding.Member {
		o := member("n", name, nil, "node/TCP/1")
		return binding.MemberOf(binding.KeyOf(o), binding.Of(o).Spec, o.GetAnnotations()).In([]workv1alpha2.TargetCluster{fixture.On("m2", 1)})
	}
	claim := func(name string) (asked []string, release func(), ok bool) {
		m := claimant(name)
		release, ok = s.Peers().Claim(m, m.Stakes(), func(_ binding.Stake, peer *binding.Member) bool {
			asked = append(asked, fmt.Sprint(peer.Key.Name, peer.Placed))
			return !peer.IsPlaced("m2")
		})
		slices.Sort(asked)
		return asked, release, ok
	}
	asked, releaseA, ok := claim("a")
	if !ok || fmt.Sprint(asked) != "[written[m1]]" {
		t.Errorf("first claim: %v, asked of %v", ok, asked)
	}
	if _, _, ok := claim("b"); ok {
		t.Error("a second claim to the same was taken")
	}
	if _, again, ok := claim("a"); !ok {
		t.Error("a claim is in its own way")
	} else {
		releaseA() // of what was replaced
		if _, _, ok := claim("b"); ok {
			t.Error("the release of a former claim gave the later one away")
		}
		again()
	}
	if _, release, ok := claim("b"); !ok {
		t.Error("a released claim stands")
	} else {
		release()
	}
	if release, ok := (*binding.Index)(nil).Claim(claimant("a"), nil, nil); !ok {
		t.Error("no index refuses a claim")
	} else {
		release()
	}
}
