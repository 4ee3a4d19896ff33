package snapshot_test

import (
	"fmt"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"

	"atoll.dev/atoll/pkg/scheduler/internal/fixture"
	. "atoll.dev/atoll/pkg/scheduler/snapshot"
)

func names(s *Snapshot) string {
	out := ""
	for _, c := range s.Clusters() {
		out += c.Name + " "
	}
	return out
}

func TestSnapshotsDoNotChange(t *testing.T) {
	var s Store
	empty := s.Snapshot()
	s.Set(fixture.Cluster("b"))
	one := s.Snapshot()
	s.Set(fixture.Cluster("a"))
	s.Set(fixture.Cluster("c"))
	three := s.Snapshot()
	s.Set(fixture.Cluster("b", fixture.Label("zone", "x")))
	s.Delete("a")
	last := s.Snapshot()

	for _, c := range []struct {
		snapshot *Snapshot
		want     string
	}{{empty, ""}, {one, "b "}, {three, "a b c "}, {last, "b c "}} {
		if got := names(c.snapshot); got != c.want {
			t.Errorf("snapshot = %q, want %q", got, c.want)
		}
	}
	if got := three.Get("b").Labels["zone"]; got != "" {
		t.Errorf("an older snapshot sees label zone=%q that was set later", got)
	}
	if got := last.Get("b").Labels["zone"]; got != "x" {
		t.Errorf("label zone = %q in the newest snapshot, want x", got)
	}
	if last.Get("a") != nil || last.Get("z") != nil {
		t.Error("Get finds clusters that are not there")
	}
	if s.Snapshot() != last {
		t.Error("a second snapshot with nothing changed is not the first")
	}
}

func TestSnapshotsAreSafeWhileClustersChange(t *testing.T) {
	var s Store
	var readers sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				snapshot := s.Snapshot()
				for i, c := range snapshot.Clusters() {
					if i > 0 && snapshot.Clusters()[i-1].Name >= c.Name {
						t.Errorf("clusters out of order: %s", names(snapshot))
						return
					}
				}
			}
		})
	}
	for i := range 2000 {
		s.Set(fixture.Cluster(fmt.Sprintf("m%02d", i%37)))
		if i%3 == 0 {
			s.Delete(fmt.Sprintf("m%02d", i%41))
		}
	}
	close(stop)
	readers.Wait()
}

func TestChanges(t *testing.T) {
	cpu := func(q string) fixture.ClusterOption {
		return fixture.Allocatable(corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(q)})
	}
	for _, c := range []struct {
		name          string
		before, after []fixture.ClusterOption
		want          Change
	}{
		{"nothing", nil, nil, None},
		{"a status that decisions do not look at", nil, []fixture.ClusterOption{func(c *clusterv1alpha1.Cluster) { c.Status.KubernetesVersion = "v1.35" }}, None},
		{"label", nil, []fixture.ClusterOption{fixture.Label("a", "b")}, Labels},
		{"provider", nil, []fixture.ClusterOption{fixture.At("p", "")}, Topology},
		{"region", []fixture.ClusterOption{fixture.At("p", "r")}, []fixture.ClusterOption{fixture.At("p", "s")}, Topology},
		{"zones", nil, []fixture.ClusterOption{fixture.At("", "", "z")}, Topology},
		{"taint", nil, []fixture.ClusterOption{fixture.Taint("k", "v", corev1.TaintEffectNoExecute)}, Taints},
		{"a taint that keeps nobody away", nil, []fixture.ClusterOption{fixture.Taint("k", "v", corev1.TaintEffectPreferNoSchedule)}, None},
		{"API gone", nil, []fixture.ClusterOption{fixture.WithoutAPIs()}, APIs},
		{"more room", []fixture.ClusterOption{cpu("1")}, []fixture.ClusterOption{cpu("1001m")}, MoreRoom},
		{"less room", []fixture.ClusterOption{cpu("1")}, []fixture.ClusterOption{cpu("999m")}, None},
		{"room reported for the first time", nil, []fixture.ClusterOption{fixture.Pods(0)}, MoreRoom},
		{"deletion begun", nil, []fixture.ClusterOption{fixture.Leaving()}, Left},
		{"made again", []fixture.ClusterOption{fixture.Leaving()}, nil, Joined},
		{"two at once", nil, []fixture.ClusterOption{fixture.Label("a", "b"), fixture.Taint("k", "", corev1.TaintEffectNoSchedule)}, Labels | Taints},
	} {
		t.Run(c.name, func(t *testing.T) {
			var s Store
			if e := s.Set(fixture.Cluster("m", c.before...)); e.Before != nil {
				t.Errorf("a new cluster has a predecessor")
			}
			generation := s.Generation()
			if e := s.Set(fixture.Cluster("m", c.after...)); e.Change != c.want {
				t.Errorf("change = %b, want %b", e.Change, c.want)
			}
			if moved := s.Generation() != generation; moved != (c.want != None) {
				t.Errorf("generation moved = %v", moved)
			}
		})
	}
}

func TestComingAndGoing(t *testing.T) {
	var s Store
	if e := s.Set(fixture.Cluster("m")); e.Change != Joined {
		t.Errorf("a new cluster = %b, want Joined", e.Change)
	}
	if e := s.Delete("m"); e.Change != Left || e.Before == nil || e.After != nil {
		t.Errorf("a deleted cluster = %+v, want Left with Before only", e)
	}
	if e := s.Delete("m"); e.Change != None {
		t.Errorf("deleting what is not there = %b, want None", e.Change)
	}
	if e := s.Set(fixture.Cluster("n", fixture.Leaving())); e.Change != Left {
		t.Errorf("a cluster first seen while being deleted = %b, want Left", e.Change)
	}
}

func TestRoomIsWhatIsNeitherUsedNorAskedFor(t *testing.T) {
	c := fixture.Cluster("m")
	c.Status.ResourceSummary = &clusterv1alpha1.ResourceSummary{
		Allocatable: corev1.ResourceList{"cpu": resource.MustParse("4"), "memory": resource.MustParse("1Ki"), "pods": resource.MustParse("10")},
		Allocated:   corev1.ResourceList{"cpu": resource.MustParse("1500m"), "pods": resource.MustParse("7")},
		Allocating:  corev1.ResourceList{"cpu": resource.MustParse("1m"), "pods": resource.MustParse("5")},
	}
	room := New(c).Get("m").Room
	for name, want := range (Room{"cpu": 2499, "memory": 1024, "pods": -2}) {
		if room[name] != want {
			t.Errorf("room for %s = %d, want %d", name, room[name], want)
		}
	}
	if New(fixture.Cluster("n")).Get("n").Room != nil {
		t.Error("a member that reported nothing has a known room")
	}
}
