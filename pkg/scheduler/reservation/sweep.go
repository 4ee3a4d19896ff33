package reservation

import (
	"context"
	"encoding/json"
	"time"

	"k8s.io/utils/clock"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/pkg/scheduler/binding"
	"atoll.dev/atoll/pkg/scheduler/estimator"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// sweepEvery is how often the bindings behind claims are looked at.
const sweepEvery = time.Second

// Run ends claims whose time has come until ctx is done.
func (b *Book) Run(ctx context.Context, clock clock.WithTicker, bindings Bindings, clusters *snapshot.Store) {
	ticker := clock.NewTicker(sweepEvery)
	defer ticker.Stop()
	last := clock.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C():
		}
		b.Sweep(bindings)
		if now := clock.Now(); now.Sub(last) >= Expiry {
			last = now
			all := clusters.Snapshot()
			b.members.Sweep(func(cluster string) bool { return all.Get(cluster) != nil })
		}
	}
}

// Sweep ends the claims that the bindings as they are now, or the clock, end.
func (b *Book) Sweep(bindings Bindings) {
	b.mu.Lock()
	keys := make([]binding.Key, 0, len(b.claims))
	for key := range b.claims {
		keys = append(keys, key)
	}
	b.mu.Unlock()
	b.tell(func() []string { // all at once: whoever is told finds all the room that there is
		var freed []string
		for _, key := range keys {
			freed = append(freed, b.look(key, bindings.Get(key))...)
		}
		return freed
	})
}

// look ends the claims of one binding, nil if it is gone. mu is held.
func (b *Book) look(key binding.Key, bound *binding.Binding) (freed []string) {
	now := b.clock.Now()
	if bound == nil || !bound.Object.GetDeletionTimestamp().IsZero() {
		freed = b.lower(key, nil)
	} else if b.looked[key] != bound {
		freed = b.lower(key, bound.Spec.Clusters)
		if claims := b.claims[key]; len(claims) > 0 {
			b.looked[key] = bound
			markShown(claims, bound.Status, now)
		}
	}
	return append(freed, b.keep(key, func(c *claim) bool {
		return now.Sub(c.since) < Expiry && (c.shown.IsZero() || now.Sub(c.shown) < Settling)
	})...)
}

// markShown takes in which members report the pods that were claimed for.
func markShown(claims []*claim, status *workv1alpha2.ResourceBindingStatus, now time.Time) {
	if len(status.AggregatedStatus) == 0 {
		return
	}
	items := make(map[string]*workv1alpha2.AggregatedStatusItem, len(status.AggregatedStatus))
	for i := range status.AggregatedStatus {
		items[status.AggregatedStatus[i].ClusterName] = &status.AggregatedStatus[i]
	}
	for _, c := range claims {
		if item := items[c.cluster]; item != nil && c.written && c.shown.IsZero() && c.shownBy(item) {
			c.shown = now
		}
	}
}

// shownBy tells whether the member reports the pods that were claimed for.
func (c *claim) shownBy(item *workv1alpha2.AggregatedStatusItem) bool {
	if replicas, ok := replicasIn(item); ok && c.target > 0 {
		return replicas >= c.target
	}
	// What is healthy has its pods, unless it was healthy with fewer of them before.
	return item.Health == workv1alpha2.ResourceHealthy && (c.target == 0 || c.target == c.Replicas())
}

func itemOf(status *workv1alpha2.ResourceBindingStatus, cluster string) *workv1alpha2.AggregatedStatusItem {
	for i := range status.AggregatedStatus {
		if status.AggregatedStatus[i].ClusterName == cluster {
			return &status.AggregatedStatus[i]
		}
	}
	return nil
}

// replicasIn returns how many pods the status of a workload tells of, and whether it does.
func replicasIn(item *workv1alpha2.AggregatedStatusItem) (int32, bool) {
	if item.Status == nil {
		return 0, false
	}
	var status struct {
		Replicas                  *int32 // Deployment, StatefulSet, ReplicaSet and what is made like them
		Active, Succeeded, Failed *int32 // Job
	}
	if json.Unmarshal(item.Status.Raw, &status) != nil {
		return 0, false
	}
	var (
		sum   int32
		known bool
	)
	for _, n := range []*int32{status.Replicas, status.Active, status.Succeeded, status.Failed} {
		if n != nil {
			sum, known = sum+*n, true
		}
	}
	return sum, known
}

// Recover claims for a binding that was placed, by a scheduler that is no more, so
// recently that its members may not show its pods yet. It is for bindings that are
// there when the scheduler starts.
func (b *Book) Recover(bound *binding.Binding) {
	now := b.clock.Now()
	placed := bound.Status.LastScheduledTime
	if placed == nil || now.Sub(placed.Time) >= Expiry || bound.Spec.Replicas == 0 && len(bound.Spec.Components) == 0 {
		return
	}
	sets := estimator.AsksForSets(bound.Spec)
	var made []*claim
	var takes []estimator.Take
	for _, t := range bound.Spec.Clusters {
		c := &claim{cluster: t.Name, target: t.Replicas, since: placed.Time, written: true}
		n := t.Replicas
		if item := itemOf(bound.Status, t.Name); item != nil {
			shown, _ := replicasIn(item)
			n -= shown
			if sets && item.Health == workv1alpha2.ResourceHealthy {
				continue
			}
		}
		if sets {
			n = 1
		}
		if n > 0 {
			takes = append(takes, estimator.Take{Cluster: &snapshot.Cluster{Name: t.Name}, Replicas: n})
			made = append(made, c)
		}
	}
	claims, _ := b.members.Claim(bound.Spec, takes, false)
	for i, c := range claims {
		made[i].Claim = c
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	key := binding.KeyOf(bound.Object)
	b.claims[key] = append(b.claims[key], made...)
}
