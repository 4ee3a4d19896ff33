package failover

import (
	"sync"
	"time"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"atoll.dev/atoll/apis/karmada/defaults"
	"atoll.dev/atoll/pkg/propagation/twin"
)

// An eviction that found no room elsewhere is tried again after leastRetry at first, and at most after mostRetry.
const (
	leastRetry = time.Minute
	mostRetry  = time.Hour
)

// episode is a time in which a workload is unhealthy in one cluster.
type episode struct {
	since time.Time
	// vain is how often the workload left and came back since there was no room elsewhere.
	vain int
}

// ailments remembers since when workloads are unhealthy. Statuses do not say, so that the time begins anew
// with the process, as in Karmada.
type ailments struct {
	mu       sync.Mutex
	episodes map[types.NamespacedName]map[string]episode
}

// observe brings what is remembered of a binding up to date.
func (a *ailments) observe(b twin.Binding, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	known, still := a.episodes[b.Key()], map[string]episode{}
	if failsOver(b.Spec) {
		for _, item := range b.Status.AggregatedStatus {
			if item.Health != workv1alpha2.ResourceUnhealthy || !b.Spec.TargetContains(item.ClusterName) && !b.Spec.ClusterInGracefulEvictionTasks(item.ClusterName) {
				continue
			}
			e, ok := known[item.ClusterName]
			if !ok {
				e.since = now
			}
			still[item.ClusterName] = e
		}
	}
	if len(still) == 0 {
		delete(a.episodes, b.Key())
		return
	}
	a.episodes[b.Key()] = still
}

// forget drops a binding that is gone.
func (a *ailments) forget(key types.NamespacedName) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.episodes, key)
}

// inVain notes that there was no room for a workload outside a cluster.
func (a *ailments) inVain(key types.NamespacedName, cluster string, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if e, ok := a.episodes[key][cluster]; ok {
		a.episodes[key][cluster] = episode{since: now, vain: e.vain + 1}
	}
}

// failing is what circumstances need to know of a binding.
func (a *ailments) failing(b twin.Binding) func(string) (time.Time, time.Duration, bool) {
	return func(cluster string) (time.Time, time.Duration, bool) {
		a.mu.Lock()
		defer a.mu.Unlock()
		e, ok := a.episodes[b.Key()][cluster]
		if !ok {
			return time.Time{}, 0, false
		}
		return e.since, patience(b.Spec.Failover.Application, e.vain), true
	}
}

// patience is how long a workload may be unhealthy: as long as the policy says, and after evictions in vain longer.
func patience(f *policyv1alpha1.ApplicationFailoverBehavior, vain int) time.Duration {
	p := time.Duration(ptr.Deref(f.DecisionConditions.TolerationSeconds, defaults.TolerationSeconds)) * time.Second
	if vain == 0 {
		return p
	}
	return max(p, min(leastRetry<<min(vain-1, 6), mostRetry))
}
