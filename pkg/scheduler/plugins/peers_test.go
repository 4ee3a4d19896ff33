package plugins_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/client"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/scheduler/binding"
	"atoll.dev/atoll/pkg/scheduler/cycle"
	"atoll.dev/atoll/pkg/scheduler/framework"
	"atoll.dev/atoll/pkg/scheduler/internal/fixture"
	"atoll.dev/atoll/pkg/scheduler/plugins"
	"atoll.dev/atoll/pkg/scheduler/plugins/portconflict"
	"atoll.dev/atoll/pkg/scheduler/plugins/workloadaffinity"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// workload makes the binding of a Deployment; options alter it.
func workload(namespace, name string, options ...func(*workv1alpha2.ResourceBinding)) *workv1alpha2.ResourceBinding {
	spec := fixture.Deployment(1, placement{})
	spec.Resource.Namespace, spec.Resource.Name = namespace, name
	b := fixture.ResourceBinding(name, spec)
	b.Namespace = namespace
	for _, alter := range options {
		alter(b)
	}
	return b
}

func grouped(affinity, anti string) func(*workv1alpha2.ResourceBinding) {
	return func(b *workv1alpha2.ResourceBinding) {
		b.Spec.WorkloadAffinityGroups = &workv1alpha2.WorkloadAffinityGroups{AffinityGroup: affinity, AntiAffinityGroup: anti}
	}
}

func withPorts(ports string) func(*workv1alpha2.ResourceBinding) {
	return func(b *workv1alpha2.ResourceBinding) {
		b.Annotations = map[string]string{wellknown.PortsAnnotation: ports}
	}
}

func placedOn(clusters ...string) func(*workv1alpha2.ResourceBinding) {
	return func(b *workv1alpha2.ResourceBinding) {
		for _, c := range clusters {
			b.Spec.Clusters = append(b.Spec.Clusters, fixture.On(c, 1))
		}
	}
}

func evictedFrom(cluster string) func(*workv1alpha2.ResourceBinding) {
	return func(b *workv1alpha2.ResourceBinding) {
		b.Spec.GracefulEvictionTasks = append(b.Spec.GracefulEvictionTasks, workv1alpha2.GracefulEvictionTask{FromCluster: cluster})
	}
}

func requestOf(o client.Object, peers *binding.Index, s *snapshot.Snapshot) *framework.Request {
	b := binding.Of(o)
	return framework.NewRequest(framework.Question{Binding: binding.KeyOf(o), Annotations: o.GetAnnotations(), Spec: b.Spec, Peers: peers}, nil, s)
}

// What others hold. Who passes is as in Karmada v1.18.1's plugins; "" is a cluster that passes.
func TestPeers(t *testing.T) {
	const (
		split = "lack others of affinity group app=a"
		meet  = "hold another of anti-affinity group app=a"
	)
	together, apart, ports := workloadaffinity.Together(), workloadaffinity.Apart(), portconflict.Plugin{}
	own := func(options ...func(*workv1alpha2.ResourceBinding)) *workv1alpha2.ResourceBinding {
		return workload("default", "web", options...)
	}
	other := func(options ...func(*workv1alpha2.ResourceBinding)) client.Object {
		return workload("default", "api", options...)
	}
	elsewhere := workload("other", "api", grouped("app=a", "app=a"), placedOn("m2"))
	clusterScoped := fixture.ClusterResourceBinding("gateway", &workv1alpha2.ResourceBindingSpec{
		Resource: workv1alpha2.ObjectReference{Kind: "Gateway", Name: "gateway"}, Clusters: []workv1alpha2.TargetCluster{fixture.On("m1", 0)}})
	clusterScoped.Annotations = map[string]string{wellknown.PortsAnnotation: "host/TCP/80"}
	required := other(withPorts("node/TCP/30080")).(*workv1alpha2.ResourceBinding)
	required.Spec.RequiredBy = []workv1alpha2.BindingSnapshot{{Clusters: []workv1alpha2.TargetCluster{fixture.On("m2", 1)}}}

	for _, c := range []struct {
		name   string
		plugin framework.FilterPlugin
		others []client.Object
		own    *workv1alpha2.ResourceBinding
		want   [2]string // of m1 and m2
	}{
		{"no group", together, []client.Object{other(grouped("app=a", ""), placedOn("m1"))}, own(), [2]string{}},
		{"the first of a group", together, nil, own(grouped("app=a", "")), [2]string{}},
		{"others of the group are nowhere yet", together, []client.Object{other(grouped("app=a", ""))}, own(grouped("app=a", "")), [2]string{}},
		{"where the group is", together, []client.Object{other(grouped("app=a", ""), placedOn("m1"))}, own(grouped("app=a", "")), [2]string{"", split}},
		{"where all of the group are", together, []client.Object{other(grouped("app=a", ""), placedOn("m1", "m2")), workload("default", "db", grouped("app=a", ""), placedOn("m2"))},
			own(grouped("app=a", "")), [2]string{split, ""}},
		{"another value", together, []client.Object{other(grouped("app=b", ""), placedOn("m1"))}, own(grouped("app=a", "")), [2]string{}},
		{"an anti-affinity group of the name", together, []client.Object{other(grouped("", "app=a"), placedOn("m1"))}, own(grouped("app=a", "")), [2]string{}},
		{"the group of another namespace", together, []client.Object{elsewhere}, own(grouped("app=a", "")), [2]string{}},
		{"itself is no other", together, []client.Object{own(grouped("app=a", ""), placedOn("m1"))}, own(grouped("app=a", "")), [2]string{}},
		{"where it is already", together, []client.Object{other(grouped("app=a", ""), placedOn("m1"))}, own(grouped("app=a", ""), placedOn("m2")), [2]string{}},

		{"no group", apart, []client.Object{other(grouped("", "app=a"), placedOn("m1"))}, own(), [2]string{}},
		{"where none of the group is", apart, []client.Object{other(grouped("", "app=a"), placedOn("m1"))}, own(grouped("", "app=a")), [2]string{meet, ""}},
		{"the group is nowhere yet", apart, []client.Object{other(grouped("", "app=a"))}, own(grouped("", "app=a")), [2]string{}},
		{"everywhere is one of the group", apart, []client.Object{other(grouped("", "app=a"), placedOn("m1")), workload("default", "db", grouped("", "app=a"), placedOn("m2"))},
			own(grouped("", "app=a")), [2]string{meet, meet}},
		{"the group of another namespace", apart, []client.Object{elsewhere}, own(grouped("", "app=a")), [2]string{}},
		{"itself is no other", apart, []client.Object{own(grouped("", "app=a"), placedOn("m1"))}, own(grouped("", "app=a")), [2]string{}},
		{"where it is already", apart, []client.Object{other(grouped("", "app=a"), placedOn("m1"))}, own(grouped("", "app=a"), placedOn("m1")), [2]string{}},

		{"no port", ports, []client.Object{other(withPorts("node/TCP/30080"), placedOn("m1"))}, own(), [2]string{}},
		{"port is free", ports, []client.Object{other(withPorts("node/TCP/30081,node/UDP/30080,host/TCP/30080"), placedOn("m1"))}, own(withPorts("node/TCP/30080")), [2]string{}},
		{"port is taken", ports, []client.Object{other(withPorts("node/TCP/30080"), placedOn("m1"))}, own(withPorts("node/TCP/30080")),
			[2]string{"port 30080/TCP is taken by Deployment default/api", ""}},
		{"one of several ports is taken, by who has no namespace", ports, []client.Object{clusterScoped}, own(withPorts("host/TCP/80,host/TCP/443")),
			[2]string{"port 80/TCP is taken by Gateway gateway", ""}},
		{"one port is taken here, another there", ports, []client.Object{clusterScoped, other(withPorts("host/TCP/443"), placedOn("m1", "m2"))}, own(withPorts("host/TCP/80,host/TCP/443")),
			[2]string{"port 80/TCP is taken by Gateway gateway", "port 443/TCP is taken by Deployment default/api"}},
		{"taken in another namespace", ports, []client.Object{workload("other", "api", withPorts("host/TCP/80"), placedOn("m2"))}, own(withPorts("host/TCP/80")),
			[2]string{"", "port 80/TCP is taken by Deployment other/api"}},
		{"taken on another address", ports, []client.Object{other(withPorts("host/TCP/80@10.0.0.1"), placedOn("m1"))}, own(withPorts("host/TCP/80@10.0.0.2")), [2]string{}},
		{"taken on all addresses", ports, []client.Object{other(withPorts("host/TCP/80"), placedOn("m1"))}, own(withPorts("host/TCP/80@10.0.0.2")),
			[2]string{"port 80/TCP is taken by Deployment default/api", ""}},
		{"still being evicted", ports, []client.Object{other(withPorts("host/TCP/80"), evictedFrom("m1"))}, own(withPorts("host/TCP/80")),
			[2]string{"port 80/TCP is taken by Deployment default/api", ""}},
		{"there because another needs it", ports, []client.Object{required}, own(withPorts("node/TCP/30080")),
			[2]string{"", "port 30080/TCP is taken by Deployment default/api"}},
		{"itself is no other", ports, []client.Object{own(withPorts("host/TCP/80"), placedOn("m1"))}, own(withPorts("host/TCP/80")), [2]string{}},
		{"where it is already", ports, []client.Object{other(withPorts("host/TCP/80"), placedOn("m1", "m2"))}, own(withPorts("host/TCP/80"), placedOn("m1")),
			[2]string{"", "port 80/TCP is taken by Deployment default/api"}},
		{"both in one template", ports, nil, own(withPorts("host/TCP/80,host/TCP/80@10.0.0.1")), [2]string{}},
	} {
		t.Run(c.plugin.Name()+"/"+c.name, func(t *testing.T) {
			s := snapshot.New(fixture.Cluster("m1"), fixture.Cluster("m2"))
			var store binding.Store
			for _, o := range c.others {
				store.Observe(o)
			}
			store.Observe(c.own)
			r := requestOf(c.own, store.Peers(), s)
			var got [2]string
			if check := c.plugin.Filter(t.Context(), r); check != nil {
				for i, cluster := range s.Clusters() {
					if refusal := check(cluster); refusal != nil {
						got[i] = refusal.Reason
						if refusal.Plugin != c.plugin.Name() {
							t.Errorf("refusal by %q", refusal.Plugin)
						}
					}
				}
			}
			if got != c.want {
				t.Errorf("m1: %q, m2: %q; want %q, %q", got[0], got[1], c.want[0], c.want[1])
			}
			for i, cluster := range s.Clusters() { // what passes can be claimed, what does not cannot
				release, ok := c.plugin.(framework.ReservePlugin).Reserve(t.Context(), r, []workv1alpha2.TargetCluster{fixture.On(cluster.Name, 1)})
				if ok != (c.want[i] == "") {
					t.Errorf("%s is claimed = %v, filter says %q", cluster.Name, ok, c.want[i])
				}
				if ok {
					release(true)
				}
			}
		})
	}
}

func TestDetails(t *testing.T) {
	s := snapshot.New(fixture.Cluster("m1"))
	var store binding.Store
	store.Observe(workload("default", "api", grouped("", "app=a"), placedOn("m1")))
	store.Observe(workload("default", "db", grouped("app=a", ""), placedOn("m2")))
	r := requestOf(workload("default", "web", grouped("app=a", "app=a")), store.Peers(), s)
	for plugin, want := range map[framework.FilterPlugin]string{
		&[]workloadaffinity.Plugin{workloadaffinity.Together()}[0]: "Deployment default/db is not there",
		&[]workloadaffinity.Plugin{workloadaffinity.Apart()}[0]:    "Deployment default/api is there",
	} {
		if got := plugin.Filter(t.Context(), r)(s.Get("m1")).Detail; got != want {
			t.Errorf("%s: %q, want %q", plugin.Name(), got, want)
		}
	}
}

// Workers that decide at the same time, over and over, as the scheduler does: no
// two of one anti-affinity group or with one port ever share a cluster, and one
// affinity group is never split.
func TestParallelDecisions(t *testing.T) {
	const workers, workloads, rounds = 16, 48, 40
	var (
		clusters []string
		members  snapshot.Store
	)
	for i := range 8 {
		clusters = append(clusters, fmt.Sprint("m", i))
		members.Set(fixture.Cluster(clusters[i]))
	}
	s := members.Snapshot()
	decide := cycle.New(cycle.Options{Plugins: plugins.Default()})
	var (
		store   binding.Store
		mu      sync.Mutex // of what follows
		written = map[binding.Key]*binding.Member{}
		version int
		retries int
		placed  int
	)
	write := func(b *workv1alpha2.ResourceBinding) {
		mu.Lock()
		defer mu.Unlock()
		version++
		b.ResourceVersion = fmt.Sprint(version)
		store.Observe(b)
		check(t, b, written)
	}
	queue := make(chan binding.Key, workloads)
	for i := range workloads {
		b := workload("default", fmt.Sprint("w", i))
		switch i % 4 {
		case 0:
			grouped("", fmt.Sprint("apart=", i%3))(b)
		case 1:
			grouped(fmt.Sprint("together=", i%5), "")(b)
		case 2:
			withPorts(fmt.Sprintf("host/TCP/%d", 80+i%3))(b)
		case 3:
			withPorts(fmt.Sprintf("node/TCP/%d,host/UDP/53@10.0.0.%d", 30000+i%3, i%3))(b)
			grouped(fmt.Sprint("pair=", i/12), "apart=2")(b)
		}
		b.Spec.Placement.SpreadConstraints = []policyv1alpha1.SpreadConstraint{{SpreadByField: policyv1alpha1.SpreadByFieldCluster, MaxGroups: 2 - i%2}} // one for what is in affinity groups: to leave one of two clusters is allowed and splits
		write(b)
		queue <- binding.KeyOf(b)
	}
	work := func(rng *rand.Rand, key binding.Key) {
		// The clusters to choose among differ between decisions, so that they do not all want the same.
		var affinity policyv1alpha1.ClusterAffinity
		for _, i := range rng.Perm(len(clusters))[:3] {
			affinity.ClusterNames = append(affinity.ClusterNames, clusters[i])
		}
		for {
			b := store.Get(key).Object.(*workv1alpha2.ResourceBinding).DeepCopy()
			b.Spec.Placement.ClusterAffinity = &affinity
			result, err := decide.Place(t.Context(), framework.Question{Binding: key, Annotations: b.Annotations, Spec: &b.Spec, Peers: store.Peers()}, s)
			if err != nil { // nowhere: it goes from where it is
				b.Spec.Clusters = nil
				write(b)
				return
			}
			release, ok := decide.Reserve(t.Context(), result)
			if !ok {
				mu.Lock()
				retries++
				mu.Unlock()
				continue
			}
			if failed := rng.IntN(10) == 0; failed {
				release(false)
				continue
			}
			b.Spec.Clusters = result.Clusters
			write(b)
			release(true)
			mu.Lock()
			placed++
			mu.Unlock()
			return
		}
	}
	left := workloads * rounds
	var wg sync.WaitGroup
	for worker := range workers {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(worker), 7))
			for key := range queue { // a key is in one worker's hands at a time
				work(rng, key)
				mu.Lock()
				if left--; left >= workloads {
					queue <- key
				} else if left == 0 {
					close(queue)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if placed < workloads {
		t.Errorf("only %d decisions placed anything", placed)
	}
	t.Logf("%d placed, %d tried again", placed, retries)
}

// check takes in what was written and fails the test if it is where it must not be.
func check(t *testing.T, b *workv1alpha2.ResourceBinding, written map[binding.Key]*binding.Member) {
	key := binding.KeyOf(b)
	delete(written, key)
	x := binding.MemberOf(key, &b.Spec, b.Annotations)
	if len(x.Placed) == 0 {
		return
	}
	for _, y := range written {
		shared := slices.ContainsFunc(x.Placed, y.IsPlaced)
		for _, port := range x.Ports {
			for _, other := range y.Ports {
				if shared && port.Conflicts(other) {
					t.Errorf("%s on %v and %s on %v both have port %s", x.Key, x.Placed, y.Key, y.Placed, port)
				}
			}
		}
		if group := x.Groups.AntiAffinityGroup; group != "" && group == y.Groups.AntiAffinityGroup && shared {
			t.Errorf("%s on %v and %s on %v are both of %s", x.Key, x.Placed, y.Key, y.Placed, group)
		}
		if group := x.Groups.AffinityGroup; group != "" && group == y.Groups.AffinityGroup && !slices.Equal(x.Placed, y.Placed) {
			t.Errorf("%s on %v and %s on %v split %s", x.Key, x.Placed, y.Key, y.Placed, group)
		}
	}
	written[key] = x
}
