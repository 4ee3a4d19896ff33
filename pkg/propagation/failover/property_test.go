package failover

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"atoll.dev/atoll/pkg/propagation/twin"
)

// life is a workload among clusters to which things happen.
type life struct {
	random   *rand.Rand
	now      time.Time
	w        world
	room     map[string]bool
	health   map[string]workv1alpha2.ResourceHealth
	stopped  bool
	binding  *workv1alpha2.ResourceBinding
	ailments *ailments
	story    []string
}

func newLife(seed uint64) *life {
	l := &life{
		random: rand.New(rand.NewPCG(seed, 1)), now: noon, w: clusters("a", "b", "c", "d"),
		room: map[string]bool{"a": true, "b": true, "c": true, "d": true}, health: map[string]workv1alpha2.ResourceHealth{},
	}
	l.restart()
	edits := []edit{replicas(4), applicationFailover(policyv1alpha1.ApplicationFailoverBehavior{
		PurgeMode: policyv1alpha1.PurgeModeGracefully, GracePeriodSeconds: ptr.To[int32](120),
		DecisionConditions: policyv1alpha1.DecisionConditions{TolerationSeconds: ptr.To[int32](60)},
	})}
	switch l.random.IntN(3) {
	case 0:
		edits = append(edits, duplicated(2))
	case 1:
		edits = append(edits, duplicated(2), atMost(1+l.random.IntN(2)))
	}
	if l.random.IntN(2) == 0 {
		edits = append(edits, tolerates(90))
	}
	l.binding = app("", edits...).Object.(*workv1alpha2.ResourceBinding)
	l.schedule()
	return l
}

func (l *life) restart() {
	l.ailments = &ailments{episodes: map[types.NamespacedName]map[string]episode{}}
}

func (l *life) cluster() *place {
	return l.w[string("abcd"[l.random.IntN(4)])]
}

// happen makes one thing happen.
func (l *life) happen() {
	p := l.cluster()
	what := ""
	switch l.random.IntN(12) {
	case 0:
		p.lost, p.since, what = true, l.now, "lost "+p.name
	case 1:
		p.lost, p.since, what = false, l.now, "back "+p.name
	case 2:
		p.taints = []corev1.Taint{{Key: "down", Effect: corev1.TaintEffectNoExecute, TimeAdded: &metav1.Time{Time: l.now}}}
		what = "tainted " + p.name
	case 3:
		p.taints, what = nil, "untainted "+p.name
	case 4:
		l.health[p.name], what = workv1alpha2.ResourceUnhealthy, "ill "+p.name
	case 5, 6:
		l.health[p.name], what = workv1alpha2.ResourceHealthy, "well "+p.name
	case 7:
		l.room[p.name] = !l.room[p.name]
		what = fmt.Sprintf("room %s %t", p.name, l.room[p.name])
	case 8, 9:
		step := time.Duration(1+l.random.IntN(300)) * time.Second
		l.now, what = l.now.Add(step), "wait "+step.String()
	case 10:
		l.restart()
		what = "restart"
	case 11:
		l.stopped = !l.stopped
		what = fmt.Sprintf("stopped %t", l.stopped)
	}
	l.story = append(l.story, what)
	l.observe()
}

// observe is what the status says: nothing new of lost clusters.
func (l *life) observe() {
	var items []workv1alpha2.AggregatedStatusItem
	for _, name := range l.copies() {
		item := itemOf(l.binding.Status.AggregatedStatus, name)
		if item == nil || !l.w[name].lost {
			item = &workv1alpha2.AggregatedStatusItem{ClusterName: name, Applied: true, Health: l.health[name]}
		}
		items = append(items, *item)
	}
	l.binding.Status.AggregatedStatus = items
}

// copies are where the binder keeps the workload.
func (l *life) copies() []string {
	var all []string
	for _, t := range l.binding.Spec.Clusters {
		all = append(all, t.Name)
	}
	for _, t := range l.binding.Spec.GracefulEvictionTasks {
		if !direct(t) {
			all = append(all, t.FromCluster)
		}
	}
	return all
}

// schedule gives what is missing to clusters with room, as far as they go.
func (l *life) schedule() {
	spec := &l.binding.Spec
	fits := func(name string) bool {
		p := l.w[name]
		return l.room[name] && !p.lost && len(p.taints) == 0 && !spec.ClusterInGracefulEvictionTasks(name) && !spec.TargetContains(name)
	}
	wanted, limit := !divided(spec), maxClusters(spec)
	missing := spec.Replicas
	for _, t := range spec.Clusters {
		missing -= t.Replicas
	}
	var free []string
	for _, name := range []string{"a", "b", "c", "d"} {
		if fits(name) {
			free = append(free, name)
		}
	}
	l.random.Shuffle(len(free), func(i, j int) { free[i], free[j] = free[j], free[i] })
	next := slices.Clone(spec.Clusters)
	for _, name := range free {
		switch {
		case wanted && (limit == 0 || len(next) < limit):
			next = append(next, workv1alpha2.TargetCluster{Name: name, Replicas: spec.Replicas})
		case !wanted && missing > 0:
			n := min(missing, 1+l.random.Int32N(4))
			next = append(next, workv1alpha2.TargetCluster{Name: name, Replicas: n})
			missing -= n
		}
	}
	failed := wanted && len(next) == 0 || !wanted && missing > 0
	l.binding.Status.Conditions[0].Status = metav1.ConditionTrue
	if failed {
		l.binding.Status.Conditions[0].Status = metav1.ConditionFalse
		return
	}
	if len(next) != len(spec.Clusters) {
		for _, t := range next {
			if !slices.Contains(l.copies(), t.Name) {
				l.health[t.Name] = workv1alpha2.ResourceUnhealthy // it starts
			}
		}
		spec.Clusters = next
		l.binding.Generation++
	}
	l.binding.Status.SchedulerObservedGeneration = l.binding.Generation
	l.story = append(l.story, "scheduled "+written(next))
	l.observe()
}

// act is what the controller does.
func (l *life) act() (verdict, error) {
	b := twin.BindingOf(l.binding)
	l.ailments.observe(b, l.now)
	c := l.w.circumstances()
	c.now, c.stopped, c.failing = l.now, l.stopped, l.ailments.failing(b)
	v, err := decide(b, c)
	if err != nil {
		return v, err
	}
	if len(v.evicted)+len(v.finished)+len(v.withdrawn) > 0 {
		l.story = append(l.story, fmt.Sprintf("evicted %v finished %v withdrawn %v: %s", v.evicted, v.finished, v.withdrawn, written(v.clusters)))
		l.binding.Spec.Clusters, l.binding.Spec.GracefulEvictionTasks = v.clusters, v.tasks
		l.binding.Generation++
		for _, name := range v.nothingElse {
			l.ailments.inVain(b.Key(), name, l.now)
		}
		l.observe()
	}
	return v, nil
}

// well are the clusters with a copy that is known to be healthy, in clusters that are there.
func (l *life) well() []string {
	var all []string
	for _, name := range l.copies() {
		if item := itemOf(l.binding.Status.AggregatedStatus, name); item != nil && item.Health == workv1alpha2.ResourceHealthy && !l.w[name].lost {
			all = append(all, name)
		}
	}
	return all
}

// Whatever happens, and in whatever order, the failover never takes the last healthy copy away, evicts
// nothing and ends nothing while many clusters are lost, places nothing twice and no more than is wanted;
// and when all is well again the workload is placed in full and nothing is being evicted.
func TestNoLastCopyIsLost(t *testing.T) {
	for seed := range uint64(3000) {
		l := newLife(seed)
		fail := func(format string, args ...any) {
			t.Helper()
			t.Fatalf("seed %d: %s\n%s", seed, fmt.Sprintf(format, args...), strings.Join(l.story, "\n"))
		}
		step := func() verdict {
			before, lost := l.well(), l.copies()
			v, err := l.act()
			if err != nil {
				fail("%v", err)
			}
			after := l.well()
			if len(before) > 0 && len(after) == 0 {
				fail("healthy copies in %v, now none", before)
			}
			for _, name := range lost {
				if l.w[name].lost && !slices.Contains(l.copies(), name) && slices.Contains(v.finished, name) {
					fail("the copy in %s, which is lost, was given up", name)
				}
			}
			if l.stopped && len(v.evicted)+len(v.finished) > 0 {
				fail("evicted %v, finished %v during a mass loss", v.evicted, v.finished)
			}
			seen := map[string]bool{}
			var sum int32
			for _, c := range v.clusters {
				if seen[c.Name] || c.Replicas <= 0 {
					fail("clusters are %s", written(v.clusters))
				}
				seen[c.Name] = true
				sum += c.Replicas
			}
			if divided(&l.binding.Spec) && sum > l.binding.Spec.Replicas {
				fail("%d replicas are placed", sum)
			}
			return v
		}
		for range 60 {
			l.happen()
			step()
			if l.random.IntN(3) > 0 {
				l.schedule()
				step()
			}
		}
		l.story = append(l.story, "all is well")
		l.stopped = false
		for _, p := range l.w {
			p.lost, p.taints, p.since = false, nil, l.now.Add(-time.Hour)
			l.room[p.name] = true
		}
		for range 20 {
			l.now = l.now.Add(time.Minute)
			for name := range l.w {
				l.health[name] = workv1alpha2.ResourceHealthy
			}
			l.observe()
			step()
			l.schedule()
		}
		if len(l.binding.Spec.GracefulEvictionTasks) > 0 || !Replaced(&l.binding.Spec) {
			fail("in the end placed %s, tasks of %s", written(l.binding.Spec.Clusters), taskNames(l.binding.Spec.GracefulEvictionTasks))
		}
	}
}
