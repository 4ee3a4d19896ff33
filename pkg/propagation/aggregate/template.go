package aggregate

import (
	"context"
	"encoding/json"
	"fmt"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/dynamic"

	"atoll.dev/atoll/pkg/propagation/compact"
	"atoll.dev/atoll/pkg/propagation/mergepatch"
	"atoll.dev/atoll/pkg/propagation/templates"
	"atoll.dev/atoll/pkg/propagation/twin"
)

func (a *Aggregator) clusters(binding twin.Binding) sets.Set[string] {
	return sets.New(a.opts.Clusters(binding.Spec)...)
}

// writeTemplate gives the template the status that its objects add up to, if anybody knows how,
// with an event if that is to be announced.
func (a *Aggregator) writeTemplate(ctx context.Context, ref workv1alpha2.ObjectReference, items []workv1alpha2.AggregatedStatusItem, announce bool) (bool, error) {
	gvk := schema.FromAPIVersionAndKind(ref.APIVersion, ref.Kind)
	aggregate := a.opts.Interpreter.Hooks(gvk).AggregateStatus
	if aggregate == nil {
		return false, nil
	}
	t, ok := a.opts.Templates.Get(templates.Key{GroupVersionKind: gvk, NamespacedName: types.NamespacedName{Namespace: ref.Namespace, Name: ref.Name}})
	if !ok || ref.UID != "" && t.UID != ref.UID {
		return false, nil // it is going, and its binding with it
	}
	r, ok := a.opts.Templates.Resource(gvk)
	if !ok {
		return false, nil
	}
	u, err := t.Unstructured()
	if err != nil {
		return false, err
	}
	status, err := aggregate(ctx, u, items)
	if err != nil {
		a.event(t, corev1.EventTypeWarning, "AggregateStatusFailed", err.Error())
		return false, fmt.Errorf("aggregating the status of %s %s/%s: %w", ref.Kind, ref.Namespace, ref.Name, err)
	}
	patch, err := statusPatch(t.StatusJSON(), status)
	if err != nil || patch == nil {
		return false, err
	}
	if patch, err = mergepatch.WithPreconditions(patch, t.UID, ""); err != nil {
		return false, err
	}
	var target dynamic.ResourceInterface = a.opts.Dynamic.Resource(r.GroupVersionResource)
	if ref.Namespace != "" {
		target = a.opts.Dynamic.Resource(r.GroupVersionResource).Namespace(ref.Namespace)
	}
	_, err = target.Patch(ctx, ref.Name, types.MergePatchType, patch, metav1.PatchOptions{}, "status")
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		a.event(t, corev1.EventTypeWarning, "AggregateStatusFailed", err.Error())
		return false, fmt.Errorf("writing the status of %s %s/%s: %w", ref.Kind, ref.Namespace, ref.Name, err)
	}
	// A Job has no status at first: its first one is news whatever was told before it came.
	if announce || blank(t.StatusJSON()) {
		a.event(t, corev1.EventTypeNormal, "AggregateStatusSucceed", "Update Resource with AggregatedStatus successfully.")
	}
	return true, nil
}

func (a *Aggregator) event(t *compact.Object, kind, reason, message string) {
	a.opts.Recorder.Event(&corev1.ObjectReference{
		APIVersion: t.APIVersion, Kind: t.Kind, Namespace: t.Namespace, Name: t.Name, UID: t.UID, ResourceVersion: t.ResourceVersion,
	}, kind, reason, message)
}

// statusPatch returns the merge patch of an object that turns its status into wanted, nil if it says
// the same. What is zero or empty and what is absent are the same: API servers leave it out.
func statusPatch(was []byte, wanted map[string]any) ([]byte, error) {
	if was == nil {
		was = []byte("{}")
	}
	var present map[string]any
	if err := json.Unmarshal(was, &present); err != nil {
		return nil, fmt.Errorf("decoding the present status: %w", err)
	}
	said := map[string]any{}
	for field, value := range wanted {
		if _, there := present[field]; there || !zero(value) {
			said[field] = value
		}
	}
	for field, value := range present {
		if _, given := said[field]; !given && zero(value) {
			said[field] = value
		}
	}
	now, err := json.Marshal(said)
	if err != nil {
		return nil, fmt.Errorf("encoding the status: %w", err)
	}
	diff, err := jsonpatch.CreateMergePatch(was, now)
	if err != nil {
		return nil, fmt.Errorf("comparing statuses: %w", err)
	}
	if string(diff) == "{}" {
		return nil, nil
	}
	return []byte(`{"status":` + string(diff) + `}`), nil
}

func zero(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case int64:
		return v == 0
	case float64:
		return v == 0
	case bool:
		return !v
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		for _, inner := range v {
			if !zero(inner) {
				return false
			}
		}
		return true
	}
	return false
}

// blank tells whether nothing has been said in a status.
func blank(status []byte) bool { return len(status) == 0 || string(status) == "{}" }
