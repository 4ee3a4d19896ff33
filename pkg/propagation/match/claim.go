package match

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/propagation/compact"
	"atoll.dev/atoll/pkg/propagation/mergepatch"
	"atoll.dev/atoll/pkg/propagation/templates"
	"atoll.dev/atoll/pkg/propagation/twin"
)

const (
	eventNormal  = corev1.EventTypeNormal
	eventWarning = corev1.EventTypeWarning
)

// event records something about a template.
func (m *Matcher) event(t *compact.Object, kind, reason, format string, args ...any) {
	m.opts.Recorder.Eventf(&corev1.ObjectReference{
		APIVersion: t.APIVersion, Kind: t.Kind, Namespace: t.Namespace, Name: t.Name, UID: t.UID, ResourceVersion: t.ResourceVersion,
	}, kind, reason, format, args...)
}

// claim puts the claim on the template, and only that: one patch of its labels and annotations. It
// returns the template as it then is.
func (m *Matcher) claim(ctx context.Context, key templates.Key, t *compact.Object, claim twin.Claim, lazyHash string) (*compact.Object, error) {
	labels, annotations := claim.Metadata()
	annotations[wellknown.LazyHashAnnotation] = lazyHash
	patch := map[string]any{}
	changed := false
	for field, wanted := range map[string]struct{ now, want map[string]string }{
		"labels": {t.Labels, labels}, "annotations": {t.Annotations, annotations},
	} {
		diff := map[string]any{}
		for k, v := range wanted.want {
			now, present := wanted.now[k]
			switch {
			case v == "" && present:
				diff[k] = nil
			case v != "" && now != v:
				diff[k] = v
			}
		}
		if len(diff) > 0 {
			patch[field] = diff
			changed = true
		}
	}
	if !changed {
		return t, nil
	}
	body, err := json.Marshal(map[string]any{"metadata": patch})
	if err != nil {
		return nil, err
	}
	if body, err = mergepatch.WithPreconditions(body, t.UID, ""); err != nil {
		return nil, err
	}
	r, ok := m.opts.Templates.Resource(key.GroupVersionKind)
	if !ok {
		return nil, fmt.Errorf("%s is not served any more", key.GroupVersionKind)
	}
	var target interface {
		Patch(context.Context, string, types.PatchType, []byte, metav1.PatchOptions, ...string) (*unstructured.Unstructured, error)
	} = m.opts.Dynamic.Resource(r.GroupVersionResource)
	if key.Namespace != "" {
		target = m.opts.Dynamic.Resource(r.GroupVersionResource).Namespace(key.Namespace)
	}
	answered := m.beginClaim(key)
	got, err := target.Patch(ctx, key.Name, types.MergePatchType, body, metav1.PatchOptions{})
	if err != nil {
		answered("")
		return nil, fmt.Errorf("claiming %s: %w", key, err)
	}
	now, err := compact.FromUnstructured(got)
	if err != nil {
		answered("")
		return nil, err
	}
	answered(now.ResourceVersion)
	return now, nil
}

// unclaim takes a claim away that no policy stands for any more. The binding goes first: were the
// template's claim gone, nobody would come back for the binding's. The binding itself stays, so
// that what runs in members goes on running (Karmada: handlePolicyDeletion).
func (m *Matcher) unclaim(ctx context.Context, key templates.Key, t *compact.Object) error {
	b, err := twin.GetBinding(ctx, m.opts.Client, bindingKey(t))
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("reading the binding of %s: %w", key, err)
	}
	if err == nil && metav1.IsControlledBy(b.Object, t) {
		wanted := b.Copy()
		setClaim(wanted.Object, twin.Claim{})
		if _, err := mergepatch.Apply(ctx, m.opts.Client, b.Object, wanted.Object, false); client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("taking the claim off %s: %w", b, err)
		}
	}
	_, err = m.claim(ctx, key, t, twin.Claim{}, "")
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// removeFinalizer lets a policy go.
func (m *Matcher) removeFinalizer(ctx context.Context, p twin.Policy) error {
	if !slices.Contains(p.GetFinalizers(), p.Finalizer()) {
		return nil
	}
	wanted := p.DeepCopyObject().(client.Object)
	wanted.SetFinalizers(slices.DeleteFunc(slices.Clone(p.GetFinalizers()), func(f string) bool { return f == p.Finalizer() }))
	// The list has several writers: on any other version than the one that we saw this is a conflict.
	if _, err := mergepatch.Apply(ctx, m.opts.Client, p.Object, wanted, true); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("releasing %s: %w", p, err)
	}
	return nil
}

// setClaim gives an object the labels and annotations of a claim and takes those of others off.
func setClaim(obj client.Object, claim twin.Claim) {
	labels, annotations := claim.Metadata()
	obj.SetLabels(merged(obj.GetLabels(), labels))
	obj.SetAnnotations(merged(obj.GetAnnotations(), annotations))
}

// merged sets what has a value and deletes what has none.
func merged(into, values map[string]string) map[string]string {
	if into == nil {
		into = map[string]string{}
	}
	for k, v := range values {
		if v == "" {
			delete(into, k)
		} else {
			into[k] = v
		}
	}
	return into
}

func bindingKey(t *compact.Object) types.NamespacedName {
	return types.NamespacedName{Namespace: t.Namespace, Name: wellknown.BindingName(t.Kind, t.Name)}
}
