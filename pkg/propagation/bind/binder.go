package bind

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	workv1alpha1 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/propagation/interpret"
	"atoll.dev/atoll/pkg/propagation/mergepatch"
	"atoll.dev/atoll/pkg/propagation/override"
	"atoll.dev/atoll/pkg/propagation/settle"
	"atoll.dev/atoll/pkg/propagation/templates"
	"atoll.dev/atoll/pkg/propagation/twin"
	"atoll.dev/atoll/pkg/propagation/work"
)

// Options of a Binder. Required but where said.
type Options struct {
	// Cache and Client of the control plane; the client reads from the cache. Live reads past it.
	Cache       cache.Cache
	Client      client.Client
	Live        client.Reader
	Templates   *templates.Store
	Interpreter interpret.Interpreter
	Recorder    record.EventRecorder
	// Skip says which namespaces are not sent to members.
	Skip templates.Skip
	// Overrides may be nil.
	Overrides *override.Overrider
	// Refused is told of a binding whose Refusals changed. It must return quickly. May be nil.
	Refused func(binding types.NamespacedName)
	// Workers is how many bindings are rendered at a time. Default 8.
	Workers int
	// Clock defaults to the real one.
	Clock clock.WithTicker
}

// Binder is the controller. It implements manager.Runnable.
type Binder struct {
	opts       Options
	queue      *settle.Queue[types.NamespacedName]
	namespaces *settle.Queue[string]
	planeUID   string
	// written holds the resourceVersion that a Work got by our own patch: its event says nothing new.
	written sync.Map // types.NamespacedName → string
	// created holds Works that the cache does not show yet.
	created  sync.Map // types.NamespacedName → *workv1alpha1.Work
	refusals refusals
}

// New returns a binder.
func New(opts Options) *Binder {
	if opts.Workers == 0 {
		opts.Workers = 8
	}
	if opts.Clock == nil {
		opts.Clock = clock.RealClock{}
	}
	return &Binder{
		opts:       opts,
		queue:      settle.New[types.NamespacedName](settle.Options{Name: "bind", Clock: opts.Clock}),
		namespaces: settle.New[string](settle.Options{Name: "namespaces", Clock: opts.Clock}),
	}
}

// Start runs until ctx ends.
func (b *Binder) Start(ctx context.Context) error {
	ctx = klog.NewContext(ctx, klog.FromContext(ctx).WithName("bind"))
	if err := b.readPlaneUID(ctx); err != nil {
		return err
	}
	if err := b.listen(ctx); err != nil {
		return err
	}
	var group sync.WaitGroup
	group.Go(func() { b.queue.Run(ctx, b.opts.Workers, b.reconcile) })
	group.Go(func() { b.namespaces.Run(ctx, 2, b.reconcileNamespace) })
	group.Wait()
	return nil
}

// readPlaneUID waits for the control plane's identity: nothing is dispatched without saying whose it is.
func (b *Binder) readPlaneUID(ctx context.Context) error {
	key := types.NamespacedName{Namespace: wellknown.SystemNamespace, Name: wellknown.PlaneConfigMap}
	for {
		var plane corev1.ConfigMap
		err := b.opts.Live.Get(ctx, key, &plane)
		if err == nil && plane.Data[wellknown.PlaneUIDKey] != "" {
			b.planeUID = plane.Data[wellknown.PlaneUIDKey]
			return nil
		}
		klog.FromContext(ctx).V(1).Info("Waiting for the control plane's identity", "configMap", key, "err", err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-b.opts.Clock.After(500 * time.Millisecond):
		}
	}
}

// reconcile brings the Works of one binding to what it says.
func (b *Binder) reconcile(ctx context.Context, key types.NamespacedName) (settle.Outcome, error) {
	binding, err := twin.GetBinding(ctx, b.opts.Client, key)
	if apierrors.IsNotFound(err) {
		b.refusals.forget(key)
		return settle.Outcome{}, nil
	}
	if err != nil {
		return settle.Outcome{}, fmt.Errorf("reading binding %s: %w", key, err)
	}
	if !binding.GetDeletionTimestamp().IsZero() {
		return settle.Outcome{}, b.finish(ctx, binding)
	}
	if binding.PermanentID() == "" {
		return settle.Outcome{}, nil // the matcher gives it one
	}
	works, err := work.OfBinding(ctx, b.opts.Client, binding.PermanentID())
	if err != nil {
		return settle.Outcome{}, err
	}
	// The new places first, then the old ones go.
	empty, stay, err := b.direct(ctx, binding)
	if err != nil {
		return settle.Outcome{}, err
	}
	keep := Clusters(binding.Spec).Union(stay)
	orphans := slices.DeleteFunc(slices.Clone(works), func(w workv1alpha1.Work) bool { return keep.Has(work.Cluster(&w)) })
	if released(binding) {
		b.refused(key, nil)
		return settle.Outcome{}, b.remove(ctx, binding, orphans)
	}
	if empty.Len() > 0 {
		leaving := slices.DeleteFunc(slices.Clone(works), func(w workv1alpha1.Work) bool {
			return !empty.Has(work.Cluster(&w)) || keep.Has(work.Cluster(&w))
		})
		if len(leaving) > 0 { // their deletion brings the binding back here
			return settle.Outcome{}, b.remove(ctx, binding, leaving)
		}
	}
	outcome, wrote, err := b.ensure(ctx, binding)
	if err != nil {
		if b.queue.Failures(key) >= patience || !passing(err) {
			b.event(binding, corev1.EventTypeWarning, "SyncWorkFailed", "%v", err)
			b.refused(key, byCluster(err))
		}
		if nothingButSize(err) {
			return outcome, nil // a change of the template brings it back
		}
		return outcome, err
	}
	if outcome.After == 0 {
		b.refused(key, nil)
	}
	if wrote {
		b.event(binding, corev1.EventTypeNormal, "SyncWorkSucceed", "Sync work of %s successful.", binding)
	}
	if outcome.After > 0 {
		return outcome, nil
	}
	return outcome, b.remove(ctx, binding, orphans)
}

// patience is how many failures in a row of a kind that passes by itself are not told.
const patience = 5

// passing tells whether all failures come from the cache being a moment behind.
func passing(err error) bool {
	all, ok := err.(utilerrors.Aggregate)
	return ok && !slices.ContainsFunc(all.Errors(), func(err error) bool {
		return !apierrors.IsAlreadyExists(err) && !apierrors.IsConflict(err) && !errors.Is(err, errBeingDeleted)
	})
}

// released tells whether no policy stands behind the binding any more, nor another binding that
// requires it. What it has placed goes on running as it was rendered last: the template has lost the
// claim too, and changes of it no longer concern members.
func released(b twin.Binding) bool {
	return len(b.Spec.RequiredBy) == 0 && twin.ClaimOn(b.GetLabels(), b.GetAnnotations()) == (twin.Claim{}) && b.GetLabels()[workv1alpha2.BindingManagedByLabel] == ""
}

// finish deletes the Works of a binding that is being deleted and lets it go. Works go on living
// until their manifests are gone from the members.
func (b *Binder) finish(ctx context.Context, binding twin.Binding) error {
	if !slices.Contains(binding.GetFinalizers(), binding.Finalizer()) {
		return nil
	}
	works, err := work.OfBinding(ctx, b.opts.Client, binding.PermanentID())
	if err != nil {
		return err
	}
	// A Work that was made a moment ago may not be in the cache yet.
	for _, c := range targets(binding.Spec) {
		namespace := wellknown.ExecutionNamespace(c.Name)
		if slices.ContainsFunc(works, func(w workv1alpha1.Work) bool { return w.Namespace == namespace }) {
			continue
		}
		var w workv1alpha1.Work
		err := b.opts.Live.Get(ctx, types.NamespacedName{Namespace: namespace, Name: workName(binding.Spec.Resource)}, &w)
		if client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("looking for the Work of %s in cluster %s: %w", binding, c.Name, err)
		}
		if err == nil && w.Labels[binding.PermanentIDLabel()] == binding.PermanentID() {
			works = append(works, w)
		}
	}
	if err := b.remove(ctx, binding, works); err != nil {
		return err
	}
	released := binding.Copy()
	released.SetFinalizers(slices.DeleteFunc(slices.Clone(binding.GetFinalizers()), func(f string) bool { return f == binding.Finalizer() }))
	if _, err := mergepatch.Apply(ctx, b.opts.Client, binding.Object, released.Object, true); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("releasing %s: %w", binding, err)
	}
	return nil
}

func (b *Binder) remove(ctx context.Context, binding twin.Binding, works []workv1alpha1.Work) error {
	var errs []error
	for i := range works {
		w := &works[i]
		if !w.DeletionTimestamp.IsZero() {
			continue
		}
		err := b.opts.Client.Delete(ctx, w, client.Preconditions{UID: &w.UID})
		if client.IgnoreNotFound(err) != nil {
			errs = append(errs, fmt.Errorf("deleting Work %s/%s: %w", w.Namespace, w.Name, err))
		}
	}
	err := utilerrors.NewAggregate(errs)
	if err != nil {
		b.event(binding, corev1.EventTypeWarning, "CleanupWorkFailed", "%v", err)
	}
	return err
}

func workName(ref workv1alpha2.ObjectReference) string {
	return wellknown.WorkName(ref.Kind, ref.Name, ref.Namespace)
}

// event records something about a binding and its template.
func (b *Binder) event(binding twin.Binding, kind, reason, format string, args ...any) {
	b.opts.Recorder.Eventf(binding.Object, kind, reason, format, args...)
	b.opts.Recorder.Eventf(templateOf(binding), kind, reason, format, args...)
}

// templateOf refers to the template of a binding.
func templateOf(binding twin.Binding) *corev1.ObjectReference {
	ref := binding.Spec.Resource
	return &corev1.ObjectReference{
		APIVersion: ref.APIVersion, Kind: ref.Kind, Namespace: ref.Namespace, Name: ref.Name, UID: ref.UID, ResourceVersion: ref.ResourceVersion,
	}
}
