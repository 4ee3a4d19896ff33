package reflect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	workv1alpha1 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"atoll.dev/atoll/pkg/propagation/compact"
	"atoll.dev/atoll/pkg/propagation/dispatch"
	"atoll.dev/atoll/pkg/propagation/interpret"
	"atoll.dev/atoll/pkg/propagation/interpret/native"
	"atoll.dev/atoll/pkg/propagation/mergepatch"
	"atoll.dev/atoll/pkg/propagation/settle"
	"atoll.dev/atoll/pkg/propagation/work"
)

// Source knows how Works stand; dispatch.Dispatcher does.
type Source interface {
	// Verdict is nil if the Work has not been judged since the start.
	Verdict(*workv1alpha1.Work) *dispatch.Verdict
	// Observed gives the objects of a Work in the order of its manifests, nil where none is known.
	Observed(*workv1alpha1.Work) []*compact.Object
}

// Options of a Reflector.
type Options struct {
	// Client of the control plane; it reads from a cache.
	Client      client.Client
	Source      Source
	Interpreter interpret.Interpreter
	Recorder    record.EventRecorder
	// Queue holds the Works whose status may have changed, with the settle window.
	Queue *settle.Queue[types.NamespacedName]
	// Workers is how many statuses are written at a time. Default 8.
	Workers int
	Clock   clock.PassiveClock
}

// Reflector is the controller. It implements manager.Runnable.
type Reflector struct {
	opts Options
}

// New returns a reflector.
func New(opts Options) *Reflector {
	if opts.Workers == 0 {
		opts.Workers = 8
	}
	if opts.Clock == nil {
		opts.Clock = clock.RealClock{}
	}
	return &Reflector{opts: opts}
}

// Start runs until ctx ends.
func (r *Reflector) Start(ctx context.Context) error {
	r.opts.Queue.Run(klog.NewContext(ctx, klog.FromContext(ctx).WithName("reflect")), r.opts.Workers, r.reconcile)
	return nil
}

func (r *Reflector) reconcile(ctx context.Context, key types.NamespacedName) (settle.Outcome, error) {
	var was workv1alpha1.Work
	err := r.opts.Client.Get(ctx, key, &was, client.UnsafeDisableDeepCopy)
	if apierrors.IsNotFound(err) {
		return settle.Outcome{}, nil
	}
	if err != nil {
		return settle.Outcome{}, fmt.Errorf("reading Work %s: %w", key, err)
	}
	if !was.DeletionTimestamp.IsZero() {
		return settle.Outcome{}, nil
	}
	status := was.Status.DeepCopy()
	r.conditions(&was, status)
	if meta.FindStatusCondition(status.Conditions, workv1alpha1.WorkDispatching) == nil {
		return settle.Outcome{}, nil // the object is seen before its creation has been answered: one write will say both
	}
	// What can be said is written whatever cannot: a failing script must not hide the rest.
	failed := r.manifestStatuses(ctx, &was, status)
	if equality.Semantic.DeepEqual(&was.Status, status) {
		return settle.Outcome{}, failed
	}
	// Small objects around the statuses: the spec, which is large, need not be compared.
	from := &workv1alpha1.Work{ObjectMeta: metav1.ObjectMeta{Namespace: was.Namespace, Name: was.Name, UID: was.UID}, Status: was.Status}
	to := &workv1alpha1.Work{ObjectMeta: *from.ObjectMeta.DeepCopy(), Status: *status}
	wrote, err := mergepatch.ApplyStatus(ctx, r.opts.Client, from, to, false)
	if client.IgnoreNotFound(err) != nil {
		return settle.Outcome{}, fmt.Errorf("writing the status of Work %s: %w", key, err)
	}
	if wrote {
		r.announce(&was, status)
	}
	return settle.Outcome{Changed: wrote}, failed
}

// announce records as events what scripts wait for and people look for: that dispatching began, was
// suspended or resumed, an object's first status, and every turn of its health. Karmada records
// every status; those between say nothing new.
func (r *Reflector) announce(w *workv1alpha1.Work, status *workv1alpha1.WorkStatus) {
	now := meta.FindStatusCondition(status.Conditions, workv1alpha1.WorkDispatching)
	if now != nil && !meta.IsStatusConditionPresentAndEqual(w.Status.Conditions, now.Type, now.Status) {
		r.opts.Recorder.Event(w, corev1.EventTypeNormal, "WorkDispatching", now.Message)
	}
	for _, now := range status.ManifestStatuses {
		id := now.Identifier
		var old *workv1alpha1.ManifestStatus
		for i := range w.Status.ManifestStatuses {
			if w.Status.ManifestStatuses[i].Identifier == id {
				old = &w.Status.ManifestStatuses[i]
			}
		}
		if now.Status != nil && (old == nil || old.Status == nil) {
			r.opts.Recorder.Eventf(w, corev1.EventTypeNormal, "ReflectStatusSucceed",
				"Reflect status for object(%s/%s/%s) succeed.", id.Kind, id.Namespace, id.Name)
		}
		if now.Health == workv1alpha1.ResourceUnknown || old != nil && old.Health == now.Health {
			continue
		}
		r.opts.Recorder.Eventf(w, corev1.EventTypeNormal, "InterpretHealthSucceed",
			"Interpret health of object(%s/%s/%s) as %s.", id.Kind, id.Namespace, id.Name, strings.ToLower(string(now.Health)))
	}
}

// conditions sets those of the verdict. A success that is recorded already stays as it was
// recorded, whatever its reason.
func (r *Reflector) conditions(w *workv1alpha1.Work, status *workv1alpha1.WorkStatus) {
	verdict := r.opts.Source.Verdict(w)
	if verdict == nil {
		return
	}
	for _, c := range verdict.Conditions {
		old := meta.FindStatusCondition(status.Conditions, c.Type)
		if old != nil && old.Status == metav1.ConditionTrue && c.Status == metav1.ConditionTrue {
			continue
		}
		c.LastTransitionTime = metav1.NewTime(r.opts.Clock.Now())
		meta.SetStatusCondition(&status.Conditions, c)
	}
}

// manifestStatuses records how the objects are doing. One that is not known, or whose status nobody
// could tell, keeps what was recorded. What failed is to be tried again.
func (r *Reflector) manifestStatuses(ctx context.Context, w *workv1alpha1.Work, status *workv1alpha1.WorkStatus) error {
	var failed []error
	for i, obj := range r.opts.Source.Observed(w) {
		if obj == nil {
			continue
		}
		u, err := obj.Unstructured()
		if err != nil {
			failed = append(failed, err)
			continue
		}
		now := workv1alpha1.ManifestStatus{Identifier: work.Identifier(i, obj.GroupVersionKind(), obj.Namespace, obj.Name)}
		if now.Status, err = r.status(ctx, u); err != nil {
			failed = append(failed, err)
			r.opts.Recorder.Eventf(w, corev1.EventTypeWarning, "ReflectStatusFailed",
				"Reflect status for object(%s/%s/%s) failed, err: %v.", obj.Kind, obj.Namespace, obj.Name, err)
			continue
		}
		if now.Health, err = r.health(ctx, u); err != nil {
			failed = append(failed, err)
			r.opts.Recorder.Eventf(w, corev1.EventTypeWarning, "InterpretHealthFailed",
				"Interpret health of object(%s/%s/%s) failed, err: %v.", obj.Kind, obj.Namespace, obj.Name, err)
		}
		put(status, now)
	}
	return errors.Join(failed...)
}

// status is the whole status of an object as long as nobody knows better.
func (r *Reflector) status(ctx context.Context, u *unstructured.Unstructured) (*runtime.RawExtension, error) {
	reflectStatus := r.opts.Interpreter.Hooks(u.GroupVersionKind()).ReflectStatus
	if reflectStatus == nil {
		return native.WholeStatus(u)
	}
	status, err := reflectStatus(ctx, u)
	if err != nil {
		return nil, fmt.Errorf("reading the status of %s %s/%s: %w", u.GetKind(), u.GetNamespace(), u.GetName(), err)
	}
	return status, nil
}

// health is Healthy as long as nobody knows better, and Unknown if those who should know fail.
func (r *Reflector) health(ctx context.Context, u *unstructured.Unstructured) (workv1alpha1.ResourceHealth, error) {
	healthy := r.opts.Interpreter.Hooks(u.GroupVersionKind()).Healthy
	if healthy == nil {
		return workv1alpha1.ResourceHealthy, nil
	}
	switch ok, err := healthy(ctx, u); {
	case err != nil:
		return workv1alpha1.ResourceUnknown, fmt.Errorf("interpreting the health of %s %s/%s: %w", u.GetKind(), u.GetNamespace(), u.GetName(), err)
	case !ok:
		return workv1alpha1.ResourceUnhealthy, nil
	}
	return workv1alpha1.ResourceHealthy, nil
}

// put replaces the record of the same object, or adds one. A record that says the same stays, byte for byte.
func put(status *workv1alpha1.WorkStatus, now workv1alpha1.ManifestStatus) {
	for i := range status.ManifestStatuses {
		old := &status.ManifestStatuses[i]
		if old.Identifier.Ordinal != now.Identifier.Ordinal {
			continue
		}
		if old.Identifier == now.Identifier && sameJSON(old.Status, now.Status) {
			now.Status = old.Status
		}
		*old = now
		return
	}
	status.ManifestStatuses = append(status.ManifestStatuses, now)
}

func sameJSON(a, b *runtime.RawExtension) bool {
	if a == nil || b == nil {
		return a == b
	}
	if string(a.Raw) == string(b.Raw) {
		return true
	}
	var x, y any
	return json.Unmarshal(a.Raw, &x) == nil && json.Unmarshal(b.Raw, &y) == nil && equality.Semantic.DeepEqual(x, y)
}
