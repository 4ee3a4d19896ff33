package dependencies

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/propagation/compact"
	"atoll.dev/atoll/pkg/propagation/mergepatch"
	"atoll.dev/atoll/pkg/propagation/settle"
	"atoll.dev/atoll/pkg/propagation/templates"
	"atoll.dev/atoll/pkg/propagation/twin"
)

// cacheLag is how soon a binding that the cache does not show yet is looked for again.
const cacheLag = 5 * time.Millisecond

// attach brings the binding of one template to what requires it.
func (d *Distributor) attach(ctx context.Context, key templates.Key) (settle.Outcome, error) {
	t, ok := d.opts.Templates.Get(key)
	if !ok || !t.DeletionTimestamp.IsZero() {
		return settle.Outcome{}, nil // the garbage collector takes the binding, or there is nothing to send yet
	}
	requirements := d.needs.of(t)
	name := types.NamespacedName{Namespace: t.Namespace, Name: wellknown.BindingName(t.Kind, t.Name)}
	was, err := twin.GetBinding(ctx, d.opts.Client, name)
	switch {
	case apierrors.IsNotFound(err) && len(requirements) == 0:
		return settle.Outcome{}, nil
	case apierrors.IsNotFound(err):
		return d.create(ctx, name, t, requirements)
	case err != nil:
		return settle.Outcome{}, fmt.Errorf("reading the binding of %s: %w", key, err)
	}
	if owner := metav1.GetControllerOfNoCopy(was.Object); owner != nil && owner.UID != t.UID || !was.GetDeletionTimestamp().IsZero() {
		return settle.Outcome{}, d.told(requirements, was, fmt.Errorf(
			"binding %s belongs to a former %s of this name; it is written when that one has been garbage collected", was, t.Kind))
	}
	if len(requirements) == 0 && made(was) {
		uid, version := was.GetUID(), was.GetResourceVersion()
		err := d.opts.Client.Delete(ctx, was.Object, client.Preconditions{UID: &uid, ResourceVersion: &version})
		if client.IgnoreNotFound(err) != nil {
			return settle.Outcome{}, fmt.Errorf("deleting %s, which nothing requires any more: %w", was, err)
		}
		return settle.Outcome{}, nil
	}
	wanted := was.Copy()
	if err := d.fill(wanted, t, requirements); err != nil {
		return settle.Outcome{}, err
	}
	wrote, err := mergepatch.Apply(ctx, d.opts.Client, was.Object, wanted.Object, false)
	if err != nil || wrote {
		return settle.Outcome{}, d.told(requirements, wanted, err)
	}
	return settle.Outcome{}, nil
}

func (d *Distributor) create(ctx context.Context, name types.NamespacedName, t *compact.Object, requirements []*requirement) (settle.Outcome, error) {
	b := twin.NewBinding(name.Namespace)
	b.SetNamespace(name.Namespace)
	b.SetName(name.Name)
	b.SetLabels(map[string]string{b.PermanentIDLabel(): string(uuid.NewUUID())})
	if err := d.fill(b, t, requirements); err != nil {
		return settle.Outcome{}, err
	}
	err := d.opts.Client.Create(ctx, b.Object)
	if apierrors.IsAlreadyExists(err) {
		return settle.Outcome{After: cacheLag}, nil
	}
	return settle.Outcome{}, d.told(requirements, b, err)
}

// fill sets what the distributor owns in the binding of a template.
func (d *Distributor) fill(b twin.Binding, t *compact.Object, requirements []*requirement) error {
	labels := map[string]string{}
	for k, v := range b.GetLabels() {
		if !strings.HasPrefix(k, wellknown.DependedByLabelPrefix) {
			labels[k] = v
		}
	}
	for _, r := range requirements {
		labels[wellknown.DependedByLabelPrefix+wellknown.BindingReferenceKey(r.binding.Namespace, r.binding.Name)] = r.id
	}
	b.SetLabels(labels)
	if now := snapshots(requirements); !equality.Semantic.DeepEqual(b.Spec.RequiredBy, now) {
		b.Spec.RequiredBy = now
	}
	if claimed(b) {
		return nil
	}
	hash, err := twin.TemplateHash(t)
	if err != nil {
		return err
	}
	controllerutil.AddFinalizer(b.Object, b.Finalizer())
	b.SetOwnerReferences([]metav1.OwnerReference{*metav1.NewControllerRef(t, t.GroupVersionKind())})
	version := b.Spec.Resource.ResourceVersion
	if b.GetAnnotations()[wellknown.TemplateHashAnnotation] != hash || b.Spec.Resource.UID != t.UID {
		version = t.ResourceVersion
	}
	annotations := map[string]string{wellknown.TemplateHashAnnotation: hash}
	maps.Copy(annotations, without(b.GetAnnotations(), wellknown.TemplateHashAnnotation))
	b.SetAnnotations(annotations)
	b.Spec.Resource = workv1alpha2.ObjectReference{
		APIVersion: t.APIVersion, Kind: t.Kind, Namespace: t.Namespace, Name: t.Name, UID: t.UID, ResourceVersion: version,
	}
	if b.Spec.Placement != nil { // a policy made it and let it go: its own settings stay
		return nil
	}
	resolution, preserve, disagreement := behaviour(requirements)
	if disagreement != "" && (b.Spec.ConflictResolution != resolution || ptr.Deref(b.Spec.PreserveResourcesOnDeletion, !preserve) != preserve) {
		d.opts.Recorder.Eventf(b.Object, corev1.EventTypeWarning, "DependencyPolicyConflict", "Dependency policy conflict detected: %s.", disagreement)
	}
	b.Spec.ConflictResolution, b.Spec.PreserveResourcesOnDeletion = resolution, ptr.To(preserve)
	return nil
}

// told records with those that require a binding how bringing it up to date went, and passes the error on.
func (d *Distributor) told(requirements []*requirement, b twin.Binding, err error) error {
	for _, r := range requirements {
		requiring := twin.NewBinding(r.binding.Namespace)
		ref := &corev1.ObjectReference{
			APIVersion: workv1alpha2.GroupVersion.String(), Kind: requiring.Kind(), Namespace: r.binding.Namespace, Name: r.binding.Name,
		}
		if err != nil {
			d.opts.Recorder.Event(ref, corev1.EventTypeWarning, "SyncScheduleResultToDependenciesFailed", err.Error())
		} else {
			d.opts.Recorder.Event(ref, corev1.EventTypeNormal, "SyncScheduleResultToDependenciesSucceed", "Sync schedule results to dependencies succeed.")
		}
	}
	if err != nil {
		return fmt.Errorf("writing who requires %s: %w", b, err)
	}
	return nil
}

// claimed tells whether a policy stands behind the binding: then the matcher keeps it up to date.
func claimed(b twin.Binding) bool {
	return twin.ClaimOn(b.GetLabels(), b.GetAnnotations()) != (twin.Claim{}) || b.GetLabels()[workv1alpha2.BindingManagedByLabel] != ""
}

// made tells whether the distributor made the binding: no policy ever placed it.
func made(b twin.Binding) bool {
	return !claimed(b) && b.Spec.Placement == nil && labelledAsRequired(b)
}

func labelledAsRequired(b twin.Binding) bool {
	for k := range b.GetLabels() {
		if strings.HasPrefix(k, wellknown.DependedByLabelPrefix) {
			return true
		}
	}
	return false
}

func without(values map[string]string, key string) map[string]string {
	rest := maps.Clone(values)
	delete(rest, key)
	return rest
}
