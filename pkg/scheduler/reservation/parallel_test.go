package reservation_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/utils/clock"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/pkg/membership/capacity"
	"atoll.dev/atoll/pkg/scheduler/binding"
	"atoll.dev/atoll/pkg/scheduler/cycle"
	"atoll.dev/atoll/pkg/scheduler/estimator"
	"atoll.dev/atoll/pkg/scheduler/framework"
	. "atoll.dev/atoll/pkg/scheduler/internal/fixture"
	"atoll.dev/atoll/pkg/scheduler/plugins"
	"atoll.dev/atoll/pkg/scheduler/reservation"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

const deciders = 64

// member is a cluster made at random, which tells of its room by its nodes, by models
// or by its summary alone, and what it really holds.
type member struct {
	nodes []int64 // thousandths of a CPU left of each
	pods  int64   // left of each node
	quota int64
}

func randomMembers(rng *rand.Rand) ([]*clusterv1alpha1.Cluster, map[string]*capacity.View, map[string]*member) {
	var objects []*clusterv1alpha1.Cluster
	views, truth := map[string]*capacity.View{}, map[string]*member{}
	for i := range 2 + rng.IntN(5) {
		name := fmt.Sprint("m", i)
		m := &member{pods: 1 + rng.Int64N(40), quota: 1 << 40}
		var sum int64
		for range 1 + rng.IntN(8) {
			cpu := 1000 * rng.Int64N(9)
			m.nodes = append(m.nodes, cpu)
			sum += cpu
		}
		object := Cluster(name, Allocatable(corev1.ResourceList{
			"cpu":  *resource.NewMilliQuantity(sum, resource.DecimalSI),
			"pods": *resource.NewQuantity(m.pods*int64(len(m.nodes)), resource.DecimalSI),
		}))
		if rng.IntN(3) > 0 {
			v := &capacity.View{}
			for j, cpu := range m.nodes {
				v.Nodes = append(v.Nodes, capacity.Node{Name: fmt.Sprint("n", j), Class: &capacity.Class{}, Ready: true, Free: capacity.Amounts{MilliCPU: cpu, Pods: m.pods}})
			}
			if rng.IntN(3) == 0 {
				m.quota = rng.Int64N(30)
				v.Quotas = map[string][]capacity.Quota{"default": {{Name: "q", Left: map[corev1.ResourceName]int64{"pods": m.quota}}}}
			}
			views[name] = v
		} else { // nobody knows how it is split
			m.nodes, m.pods = []int64{sum}, m.pods*int64(len(m.nodes))
		}
		objects = append(objects, object)
		truth[name] = m
	}
	return objects, views, truth
}

func (m *member) holds(cpu int64) int64 {
	var n int64
	for _, left := range m.nodes {
		n += min(left/cpu, m.pods)
	}
	return min(n, m.quota)
}

// 64 decisions at once never take more of a cluster than it holds; and if there is
// room for all of them, all of them succeed.
func TestParallelDecisions(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	for round := range 60 {
		objects, views, truth := randomMembers(rng)
		clusters := snapshot.New(objects...)
		for name, v := range views {
			clusters.Get(name).Nodes = v
		}
		cpu := int64(100 * (1 + rng.IntN(12)))
		var room int64
		for _, m := range truth {
			room += m.holds(cpu)
		}
		replicas := 1 + rng.Int32N(9)
		if rng.IntN(2) == 0 && room > deciders { // enough for all
			replicas = int32(room / deciders)
		}
		given, failed := decideAtOnce(t, rng, clusters, func(int) *workv1alpha2.ResourceBindingSpec {
			s := Deployment(replicas, policyv1alpha1.Placement{ReplicaScheduling: []*policyv1alpha1.ReplicaSchedulingStrategy{Dynamic(), Aggregated()}[rng.IntN(2)]})
			s.ReplicaRequirements.ResourceRequest = request(fmt.Sprintf("%dm", cpu))
			return s
		})
		var all int64
		for name, n := range given {
			all += n
			if holds := truth[name].holds(cpu); n > holds {
				t.Fatalf("round %d: %s got %d replicas of %dm and holds %d: %+v", round, name, n, cpu, holds, truth[name])
			}
		}
		if fit := room / int64(replicas); int64(deciders-failed) != min(fit, deciders) {
			t.Fatalf("round %d: %d of %d workloads of %d replicas were placed where %d fit: room for %d, %d used", round, deciders-failed, deciders, replicas, fit, room, all)
		}
	}
}

// Of workloads that ask for different amounts no cluster gets more than it has in all.
func TestParallelDecisionsOfDifferentSizes(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	for round := range 40 {
		objects, views, truth := randomMembers(rng)
		clusters := snapshot.New(objects...)
		for name, v := range views {
			clusters.Get(name).Nodes = v
		}
		sizes := make([]int64, deciders)
		used := map[string]int64{}
		var mu sync.Mutex
		for i := range sizes {
			sizes[i] = int64(100 * (1 + rng.IntN(30)))
		}
		decideAtOnce(t, rng, clusters, func(i int) *workv1alpha2.ResourceBindingSpec {
			s := Deployment(1+rng.Int32N(3), policyv1alpha1.Placement{ReplicaScheduling: Dynamic()})
			s.ReplicaRequirements.ResourceRequest = request(fmt.Sprintf("%dm", sizes[i]))
			return s
		}, func(i int, targets []workv1alpha2.TargetCluster) {
			mu.Lock()
			defer mu.Unlock()
			for _, target := range targets {
				used[target.Name] += sizes[i] * int64(target.Replicas)
			}
		})
		for name, n := range used {
			var has int64
			for _, cpu := range truth[name].nodes {
				has += cpu
			}
			if n > has {
				t.Fatalf("round %d: %s has %dm and is to give %dm", round, name, has, n)
			}
		}
	}
}

// decideAtOnce has all specs decided at the same time, each until it is placed or there is no
// room, and returns what each cluster got and how many found no room.
func decideAtOnce(t *testing.T, rng *rand.Rand, clusters *snapshot.Snapshot, spec func(i int) *workv1alpha2.ResourceBindingSpec, placed ...func(int, []workv1alpha2.TargetCluster)) (given map[string]int64, failed int) {
	t.Helper()
	members := &estimator.Members{}
	book := reservation.New(members, clock.RealClock{}, nil)
	decide := cycle.New(cycle.Options{Plugins: append(plugins.Default(), book), Estimators: []estimator.Estimator{members}})
	given = map[string]int64{}
	var (
		mu    sync.Mutex
		wg    sync.WaitGroup
		start = make(chan struct{})
	)
	for i := range deciders {
		s := spec(i)
		wg.Go(func() {
			<-start
			q := framework.Question{Binding: binding.Key{Namespace: "default", Name: fmt.Sprint("w", i)}, Spec: s}
			for {
				result, err := decide.Place(t.Context(), q, clusters)
				var shortage *cycle.ShortageError
				if errors.As(err, &shortage) {
					mu.Lock()
					defer mu.Unlock()
					failed++
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				release, ok := decide.Reserve(t.Context(), result)
				if !ok {
					continue
				}
				release(true)
				mu.Lock()
				defer mu.Unlock()
				for _, target := range result.Clusters {
					given[target.Name] += int64(target.Replicas)
				}
				for _, f := range placed {
					f(i, result.Clusters)
				}
				return
			}
		})
	}
	close(start)
	wg.Wait()
	return given, failed
}
