package bind

import (
	"errors"
	"maps"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/types"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
)

// refusals hold why bindings could not be rendered for some clusters. They live in memory only: who
// starts again finds out again.
type refusals struct {
	mu  sync.Mutex
	all map[types.NamespacedName]map[string]string
}

// set tells whether that is news. What was refused once is remembered as accepted since.
func (r *refusals) set(key types.NamespacedName, byCluster map[string]string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if maps.Equal(r.all[key], byCluster) {
		return false
	}
	if r.all == nil {
		r.all = map[types.NamespacedName]map[string]string{}
	}
	r.all[key] = byCluster
	return true
}

func (r *refusals) forget(key types.NamespacedName) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.all, key)
}

// Refusals returns why the binding's Works for some clusters are not as they should be, by cluster,
// and whether there has been any such reason since the start. The map must not be changed.
func (b *Binder) Refusals(binding types.NamespacedName) (byCluster map[string]string, ever bool) {
	b.refusals.mu.Lock()
	defer b.refusals.mu.Unlock()
	byCluster, ever = b.refusals.all[binding]
	return byCluster, ever
}

func (b *Binder) refused(binding types.NamespacedName, byCluster map[string]string) {
	if b.refusals.set(binding, byCluster) && b.opts.Refused != nil {
		b.opts.Refused(binding)
	}
}

// failures are errors by cluster.
type failures map[string]error

func (f failures) messages() map[string]string {
	all := map[string]string{}
	for cluster, err := range f {
		all[cluster] = err.Error()
	}
	return all
}

// aggregate returns all of them in the order of clusters, nil if there are none.
func (f failures) aggregate() error {
	var errs []error
	for _, cluster := range slices.Sorted(maps.Keys(f)) {
		errs = append(errs, f[cluster])
	}
	if err := utilerrors.NewAggregate(errs); err != nil {
		return rendering{err, f}
	}
	return nil
}

// rendering is an aggregate that still knows its clusters.
type rendering struct {
	utilerrors.Aggregate
	failures failures
}

// byCluster returns what an error of ensure says of each cluster.
func byCluster(err error) map[string]string {
	var r rendering
	if errors.As(err, &r) {
		return r.failures.messages()
	}
	return nil
}
