package dispatch

import (
	"context"
	"fmt"
	"slices"
	"time"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/util/csaupgrade"
	"k8s.io/klog/v2"
	"k8s.io/utils/ptr"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/propagation/compact"
	"atoll.dev/atoll/pkg/propagation/interpret"
	"atoll.dev/atoll/pkg/propagation/interpret/native"
	"atoll.dev/atoll/pkg/propagation/observe"
)

// errNotYet means that the member's objects have not been seen yet: what comes back then.
var errNotYet = fmt.Errorf("the member's objects are not known yet")

// applier writes one manifest into one member.
type applier struct {
	observer *observe.Observer
	hooks    interpret.Hooks
	gvr      schema.GroupVersionResource
	manifest manifest
	// knownBefore tells that the Work had a verdict: then its object is probably there.
	knownBefore bool
	// contest is what is remembered of others changing the object.
	contest *contest
	now     time.Time
}

func (a applier) client() dynamic.ResourceInterface {
	r := a.observer.Conn.Dynamic.Resource(a.gvr)
	if ns := a.manifest.GetNamespace(); ns != "" {
		return r.Namespace(ns)
	}
	return r
}

// apply brings the object to what the manifest wants and returns what is to be remembered of it.
// wrote tells whether the member was sent anything that changes it.
func (a applier) apply(ctx context.Context, rec memory) (after memory, wrote bool, err error) {
	obj, ok := a.observer.Get(a.gvr, a.manifest.key())
	if !ok {
		if a.knownBefore && !a.observer.Synced(a.gvr) {
			return rec, false, errNotYet
		}
		if rec.uid != "" && rec.hash == a.manifest.hash { // it was there
			if err := a.contested(ctx, string(rec.uid), []string{deletedField}); err != nil {
				return rec, false, err
			}
		}
		return a.create(ctx)
	}
	return a.update(ctx, obj, rec)
}

// create makes the object. One request, and it cannot touch an object that is there already.
func (a applier) create(ctx context.Context) (memory, bool, error) {
	got, err := a.client().Create(ctx, a.manifest.Unstructured, metav1.CreateOptions{FieldManager: observe.FieldManager})
	if apierrors.IsAlreadyExists(err) {
		live, err := a.client().Get(ctx, a.manifest.GetName(), metav1.GetOptions{})
		if err != nil {
			return memory{}, false, err
		}
		return a.adopt(ctx, live)
	}
	if apierrors.IsInvalid(err) || apierrors.IsForbidden(err) {
		// What is there may stand in its own way: its node ports are taken, its quota is used up.
		if live, getErr := a.client().Get(ctx, a.manifest.GetName(), metav1.GetOptions{}); getErr == nil {
			return a.adopt(ctx, live)
		}
	}
	if err != nil {
		return memory{}, false, err
	}
	obj, err := a.observer.Saw(a.gvr, got)
	if err != nil {
		return memory{}, true, err
	}
	return memoryOf(obj, a.manifest), true, nil
}

// adopt deals with an object that we did not know of.
func (a applier) adopt(ctx context.Context, live *unstructured.Unstructured) (memory, bool, error) {
	if err := a.mayTake(live); err != nil {
		return memory{}, false, err
	}
	obj, err := a.observer.Saw(a.gvr, live)
	if err != nil {
		return memory{}, false, err
	}
	return a.update(ctx, obj, memory{})
}

// mayTake refuses objects that are not the control plane's, unless the policy says to overwrite.
func (a applier) mayTake(live metav1.Object) error {
	if a.manifest.GetAnnotations()[workv1alpha2.ResourceConflictResolutionAnnotation] == workv1alpha2.ResourceConflictResolutionOverwrite {
		return nil
	}
	ofThisWork := live.GetAnnotations()[workv1alpha2.WorkNameAnnotation] == a.manifest.GetAnnotations()[workv1alpha2.WorkNameAnnotation] &&
		live.GetAnnotations()[workv1alpha2.WorkNamespaceAnnotation] == a.manifest.GetAnnotations()[workv1alpha2.WorkNamespaceAnnotation]
	// One that lost our label but names our Work is ours: somebody meddled with it.
	if live.GetLabels()[wellknown.ManagedLabel] != wellknown.LabelValueTrue && !ofThisWork {
		// Karmada's words.
		return fmt.Errorf("resource(kind=%s, %s/%s) already exists in the cluster %v and the %s strategy value is empty, Karmada will not manage this resource",
			a.manifest.GetKind(), a.manifest.GetNamespace(), a.manifest.GetName(), a.observer.Conn.Cluster, workv1alpha2.ResourceConflictResolutionAnnotation)
	}
	theirs, ours := live.GetAnnotations()[wellknown.PlaneUIDAnnotation], a.manifest.GetAnnotations()[wellknown.PlaneUIDAnnotation]
	if theirs != "" && ours != "" && theirs != ours {
		return fmt.Errorf("resource(kind=%s, %s/%s) in the cluster %s belongs to another control plane (%s); set conflictResolution: Overwrite to take it over",
			a.manifest.GetKind(), a.manifest.GetNamespace(), a.manifest.GetName(), a.observer.Conn.Cluster, theirs)
	}
	return nil
}

// update applies the manifest to the object unless it holds already.
func (a applier) update(ctx context.Context, obj *compact.Object, rec memory) (memory, bool, error) {
	if err := a.mayTake(obj); err != nil {
		return rec, false, err
	}
	desired, retains, err := a.retained(ctx, obj)
	if err != nil {
		return rec, false, fmt.Errorf("retaining what the member owns: %w", err)
	}
	same, err := current(desired, obj, rec)
	if err != nil {
		return rec, false, err
	}
	if same {
		return memoryOf(obj, desired), false, nil
	}
	if desired.applied(rec, obj.UID) {
		fields, err := desired.fields(obj)
		if err != nil {
			return rec, false, err
		}
		if err := a.contested(ctx, obj.ResourceVersion, fields); err != nil {
			return rec, false, err
		}
	}
	for _, m := range obj.Managers {
		if observe.CreatedByUs(m) {
			if err := a.becomeApplier(ctx, obj.UID); err != nil {
				return rec, false, err
			}
			break
		}
	}
	// The UID makes this fail on a successor of the same name, and the version, where a value was
	// taken from the member, on any state but the one that it was taken from.
	sent := desired.DeepCopy()
	sent.SetUID(obj.UID)
	if retains {
		sent.SetResourceVersion(obj.ResourceVersion)
	}
	raw, err := body(sent)
	if err != nil {
		return rec, false, err
	}
	got, err := a.client().Patch(ctx, a.manifest.GetName(), types.ApplyPatchType, raw, metav1.PatchOptions{
		FieldManager: observe.FieldManager, Force: ptr.To(true),
	})
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		// What we know is out of date; the next attempt starts from what is there.
		return memory{}, false, a.lookAgain(ctx, err)
	}
	if err != nil {
		return rec, false, err
	}
	changed := got.GetResourceVersion() != obj.ResourceVersion
	now, err := a.observer.Saw(a.gvr, got)
	if err != nil {
		return rec, changed, err
	}
	return memoryOf(now, desired), changed, nil
}

// contested returns an errContested if others insist on what is about to be corrected.
func (a applier) contested(ctx context.Context, version string, fields []string) error {
	rest, begun := a.contest.pause(a.now, a.manifest.hash, version, fields)
	if rest == 0 {
		return nil
	}
	if begun {
		var managed []metav1.ManagedFieldsEntry
		if live, err := a.client().Get(ctx, a.manifest.GetName(), metav1.GetOptions{}); err == nil {
			managed = live.GetManagedFields()
		}
		a.contest.report = contestReport(a.manifest, a.observer.Conn.Cluster, fields, managed, rest)
	}
	return &errContested{report: a.contest.report, rest: rest, begun: begun}
}

// lookAgain reads the object past the cache, so that the next attempt does not repeat itself.
func (a applier) lookAgain(ctx context.Context, cause error) error {
	live, err := a.client().Get(ctx, a.manifest.GetName(), metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		a.observer.Gone(a.gvr, a.manifest.key())
	case err == nil:
		if _, err := a.observer.Saw(a.gvr, live); err != nil {
			return err
		}
	}
	return cause
}

// retained returns the manifest with the values that the member owns, and whether there are any.
func (a applier) retained(ctx context.Context, obj *compact.Object) (manifest, bool, error) {
	m := a.manifest
	scaled := a.scaled(ctx, obj)
	if a.hooks.Retain == nil && !scaled {
		return m, false, nil
	}
	present, err := obj.Unstructured()
	if err != nil {
		return m, false, err
	}
	desired := m.DeepCopy()
	if a.hooks.Retain != nil {
		if desired, err = a.hooks.Retain(ctx, desired, present); err != nil {
			return m, false, err
		}
	}
	if scaled {
		if desired, err = native.KeepReplicas(desired, present); err != nil {
			return m, false, err
		}
	}
	retains := !holds(desired.Object, m.Object) || !holds(m.Object, desired.Object)
	m.Unstructured, m.scaled = desired, scaled
	return m, retains, nil
}

// scaled tells whether an autoscaler sets the replicas that the manifest gives: one has done so, and
// none is known to be gone since.
func (a applier) scaled(ctx context.Context, obj *compact.Object) bool {
	if !slices.ContainsFunc(obj.Managers, observe.ScaledByAutoscaler) {
		return false
	}
	if _, given, _ := unstructured.NestedInt64(a.manifest.Object, "spec", "replicas"); !given {
		return false
	}
	if err := a.observer.Conn.Grant(ctx, observe.AutoscalerResource); err != nil {
		klog.FromContext(ctx).V(1).Info("Autoscalers of a member cannot be seen; replicas that one has set are kept", "err", err)
		return true
	}
	yes, known := a.observer.Autoscaled(observe.Target{GroupKind: a.manifest.GroupVersionKind().GroupKind(), NamespacedName: a.manifest.key()})
	return yes || !known
}

// becomeApplier turns what we own from having created the object into what we own from applying it:
// only then does applying remove what a manifest no longer has. It happens once in an object's life,
// before its first change.
func (a applier) becomeApplier(ctx context.Context, uid types.UID) error {
	live, err := a.client().Get(ctx, a.manifest.GetName(), metav1.GetOptions{})
	if err != nil {
		return err
	}
	if live.GetUID() != uid {
		return apierrors.NewConflict(a.gvr.GroupResource(), a.manifest.GetName(), fmt.Errorf("the object was replaced by another of its name"))
	}
	patch, err := csaupgrade.UpgradeManagedFieldsPatch(live, sets.New(observe.FieldManager), observe.FieldManager)
	if err != nil {
		return fmt.Errorf("taking over the ownership of fields: %w", err)
	}
	if patch == nil {
		return nil
	}
	_, err = a.client().Patch(ctx, a.manifest.GetName(), types.JSONPatchType, patch, metav1.PatchOptions{FieldManager: observe.FieldManager})
	return err
}
