package deschedule

import (
	"context"
	"sync"
	"time"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/pkg/scheduler/binding"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// AskEvery is how often members that tell only when asked are asked, as Karmada's descheduler does.
const AskEvery = 2 * time.Minute

// Asker asks members, of which nobody watches the nodes, about their pods.
type Asker interface {
	// Unschedulable returns how many pods of a workload have been unschedulable in a
	// member for longer than the threshold. It returns false if the member cannot be asked.
	Unschedulable(ctx context.Context, c *snapshot.Cluster, workload workv1alpha2.ObjectReference, threshold time.Duration) (int32, bool, error)
}

// Asked is what members answered last. Its zero value is empty and ready to use.
type Asked struct {
	mu      sync.Mutex
	answers map[asked]int
}

type asked struct {
	binding binding.Key
	cluster string
}

// stuck returns how many pods of the binding's workload the member told of.
func (a *Asked) stuck(key binding.Key, cluster string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.answers[asked{key, cluster}]
}

// Round asks members about the bindings that have replicas there which may be stuck,
// calls found for each binding of which some are, and forgets what earlier rounds
// answered. A member that fails once is not asked again in the same round.
func (a *Asked) Round(ctx context.Context, asker Asker, o Options, bindings []*binding.Binding, clusters *snapshot.Snapshot, found func(binding.Key)) {
	answers := map[asked]int{}
	silent := map[string]bool{}
	var stuck []binding.Key
	for _, b := range bindings {
		if !Concerns(b.Spec) {
			continue
		}
		key := binding.KeyOf(b.Object)
		any := false
		for _, target := range b.Spec.Clusters {
			c := clusters.Get(target.Name)
			if c == nil || c.Nodes != nil || silent[c.Name] || spareReplicas(b.Status, target) == 0 {
				continue
			}
			n, known, err := asker.Unschedulable(ctx, c, b.Spec.Resource, o.Dwell)
			if ctx.Err() != nil {
				return
			}
			if err != nil || !known {
				silent[c.Name] = true
			} else if n > 0 {
				answers[asked{key, c.Name}], any = int(n), true
			}
		}
		if any {
			stuck = append(stuck, key)
		}
	}
	a.mu.Lock()
	a.answers = answers
	a.mu.Unlock()
	for _, key := range stuck {
		found(key)
	}
}
