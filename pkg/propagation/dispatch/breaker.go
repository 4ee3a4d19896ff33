package dispatch

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"sync"
	"time"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	workv1alpha1 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/propagation/mergepatch"
)

// DeletionLimit is how much may be deleted in one member before deletions are held until somebody
// has had a look. Leaving members and objects that are preserved are not counted and never held.
type DeletionLimit struct {
	// Interval is what deletions are counted over. Default 1 minute.
	Interval time.Duration
	// Share of all objects dispatched to the member that may go in an interval, between 0 and 1.
	// Default 0.3; 1 turns the limit off.
	Share float64
	// Floor is how many may go in any case. Default 1000: what people
	// delete by hand, or with a namespace, is not held up.
	Floor int
}

func (l DeletionLimit) withDefaults() DeletionLimit {
	if l.Interval == 0 {
		l.Interval = time.Minute
	}
	if l.Share == 0 {
		l.Share = 0.3
	}
	if l.Floor == 0 {
		l.Floor = 1000
	}
	return l
}

// DeletionsHeld is the condition of a Cluster that tells that more was about to be deleted there
// than the limit allows. It also carries that over a restart.
const DeletionsHeld = "DeletionsHeld"

// ReleaseDeletionsAnnotation on a Cluster lets held deletions go: a whole number is how many may go
// in an interval, a time (RFC 3339) is until when all may.
const ReleaseDeletionsAnnotation = "atoll.dev/release-deletions"

// release is what the annotation says.
type release struct {
	count int
	until time.Time
	wrong string
}

func releaseOf(c *clusterv1alpha1.Cluster) release {
	value, ok := c.Annotations[ReleaseDeletionsAnnotation]
	if !ok {
		return release{}
	}
	if n, err := strconv.Atoi(value); err == nil && n >= 0 {
		return release{count: n}
	}
	if until, err := time.Parse(time.RFC3339, value); err == nil {
		return release{until: until}
	}
	return release{wrong: fmt.Sprintf("annotation %s has value %q, which is neither a number nor a time like 2026-01-02T15:04:05Z", ReleaseDeletionsAnnotation, value)}
}

// breaker counts the deletions in one member. Its lock is never held while asking or telling anybody.
type breaker struct {
	limit DeletionLimit

	mu sync.Mutex
	// admitted are the Works whose objects may be deleted, with when that was decided.
	admitted map[types.UID]time.Time
	tripped  bool
}

// admit decides on one deletion and tells whether others are held. total and waiting are how many Works the member has and which of
// them are to be deleted, this one included; heldBefore is what the Cluster's condition says.
func (b *breaker) admit(now time.Time, uid types.UID, r release, total int, waiting []types.UID, heldBefore bool) (admitted, tripped bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	gone := 0
	there := map[types.UID]bool{}
	for _, w := range waiting {
		there[w] = true
	}
	if !there[uid] { // it is newer than the count
		waiting = append(slices.Clone(waiting), uid)
		there[uid] = true
	}
	for w, at := range b.admitted {
		if now.Sub(at) >= b.limit.Interval && !there[w] {
			delete(b.admitted, w)
		} else if !there[w] {
			gone++
		}
	}
	used := 0
	for _, at := range b.admitted {
		if now.Sub(at) < b.limit.Interval {
			used++
		}
	}
	pending := 0
	for _, w := range waiting {
		if _, ok := b.admitted[w]; !ok {
			pending++
		}
	}
	allowed := max(b.limit.Floor, int(math.Ceil(b.limit.Share*float64(total+gone))), r.count)
	b.tripped = (b.tripped || heldBefore) && pending > 1 // a single one is no flood
	switch {
	case now.Before(r.until), r.count >= pending && r.count > 0:
		b.tripped = false
	case b.tripped:
	default:
		b.tripped = used+pending > allowed
	}
	if _, ok := b.admitted[uid]; ok {
		return true, b.tripped // it was decided; trying again is not another deletion
	}
	if b.tripped {
		return false, true
	}
	b.admitted[uid] = now
	return true, false
}

// mayDelete decides whether what the Work dispatched may be deleted now. If not, the Work waits in
// m.held, and the Cluster says so.
func (m *member) mayDelete(ctx context.Context, w *workv1alpha1.Work) (bool, error) {
	var cluster clusterv1alpha1.Cluster
	if err := m.d.opts.Client.Get(ctx, types.NamespacedName{Name: m.cluster}, &cluster); err != nil {
		return false, fmt.Errorf("reading Cluster %s: %w", m.cluster, err)
	}
	total, waiting, err := m.deletions(ctx)
	if err != nil {
		return false, err
	}
	was := meta.FindStatusCondition(cluster.Status.Conditions, DeletionsHeld)
	r := releaseOf(&cluster)
	// What the condition says counts until this process has decided itself.
	m.mu.Lock()
	before := !m.decided && was != nil && was.Status == metav1.ConditionTrue
	m.mu.Unlock()
	admitted, tripped := m.breaker.admit(m.d.opts.Clock.Now(), w.UID, r, total, waiting, before)
	m.mu.Lock()
	m.decided = true
	m.mu.Unlock()
	if !tripped {
		return admitted, m.sayHeld(ctx, &cluster, nil)
	}
	if !admitted {
		m.park(m.held, w.Name)
		var again clusterv1alpha1.Cluster
		if m.d.opts.Client.Get(ctx, types.NamespacedName{Name: m.cluster}, &again, client.UnsafeDisableDeepCopy) == nil && releaseOf(&again) != r {
			m.wake(m.held) // released between being read and waiting for it
		}
	}
	message := fmt.Sprintf("%d of the %d objects in cluster %s are to be deleted at once; these deletions are held. Annotate the Cluster with %s=%d to let them go, or with a time until which any may",
		len(waiting), total, m.cluster, ReleaseDeletionsAnnotation, len(waiting))
	if r.wrong != "" {
		message = r.wrong + ". " + message
	}
	return admitted, m.sayHeld(ctx, &cluster, &message)
}

// deletions counts what the member has and lists what is to be deleted there, at most countedFor ago.
func (m *member) deletions(ctx context.Context) (total int, waiting []types.UID, err error) {
	const countedFor = 100 * time.Millisecond
	now := m.d.opts.Clock.Now()
	m.mu.Lock()
	count := m.count
	m.mu.Unlock()
	if !count.at.IsZero() && now.Sub(count.at) < countedFor {
		return count.total, count.waiting, nil
	}
	var all workv1alpha1.WorkList
	if err := m.d.opts.Client.List(ctx, &all, client.InNamespace(wellknown.ExecutionNamespace(m.cluster)), client.UnsafeDisableDeepCopy); err != nil {
		return 0, nil, fmt.Errorf("counting the Works of cluster %s: %w", m.cluster, err)
	}
	for i := range all.Items {
		w := &all.Items[i]
		if !w.DeletionTimestamp.IsZero() && !ptr.Deref(w.Spec.PreserveResourcesOnDeletion, false) {
			waiting = append(waiting, w.UID)
		}
	}
	m.mu.Lock()
	m.count = deletionCount{at: now, total: len(all.Items), waiting: waiting}
	m.mu.Unlock()
	return len(all.Items), waiting, nil
}

// deletionCount is how many Works a member had at a time, and which of them were to be deleted.
type deletionCount struct {
	at      time.Time
	total   int
	waiting []types.UID
}

// settleHeld ends the holding when nothing is held any more: the Works were kept, preserved or
// released. It is called while the Cluster says that deletions are held.
func (m *member) settleHeld(ctx context.Context) error {
	_, waiting, err := m.deletions(ctx)
	if err != nil || len(waiting) > 1 {
		return err
	}
	if len(waiting) == 1 {
		m.wake(m.held) // a single one is no flood
		return nil
	}
	var cluster clusterv1alpha1.Cluster
	if err := m.d.opts.Client.Get(ctx, types.NamespacedName{Name: m.cluster}, &cluster); err != nil {
		return client.IgnoreNotFound(err)
	}
	m.breaker.reset()
	return m.sayHeld(ctx, &cluster, nil)
}

func (b *breaker) reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tripped = false
}

// sayHeld brings the Cluster's condition up to date: message is nil if nothing is held. The
// condition is written when it turns; numbers in it are of that moment.
func (m *member) sayHeld(ctx context.Context, cluster *clusterv1alpha1.Cluster, message *string) error {
	is := meta.IsStatusConditionTrue(cluster.Status.Conditions, DeletionsHeld)
	if is == (message != nil) {
		return nil
	}
	c := metav1.Condition{Type: DeletionsHeld, Status: metav1.ConditionFalse, Reason: "DeletionsReleased", Message: "Deletions go on."}
	kind := corev1.EventTypeNormal
	if message != nil {
		c.Status, c.Reason, c.Message, kind = metav1.ConditionTrue, "TooManyDeletions", *message, corev1.EventTypeWarning
	}
	c.LastTransitionTime = metav1.NewTime(m.d.opts.Clock.Now())
	to := cluster.DeepCopy()
	meta.SetStatusCondition(&to.Status.Conditions, c)
	wrote, err := mergepatch.ApplyStatus(ctx, m.d.opts.Client, cluster, to, true)
	if err != nil {
		return fmt.Errorf("writing condition %s of Cluster %s: %w", DeletionsHeld, m.cluster, err)
	}
	if wrote {
		m.d.opts.Recorder.Event(cluster, kind, c.Reason, c.Message)
	}
	return nil
}
