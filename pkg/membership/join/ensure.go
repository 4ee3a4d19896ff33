package join

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// run is one call of Join or Unjoin: what it reports and what it would have to take back.
type run struct {
	report func(string)
	dryRun bool
	undo   undoer
	// Changes lists what was done, or would be in a dry run, in order.
	changes []Change
}

// Change is one thing that a run did to one object.
type Change struct {
	// Where is "member" or "control plane".
	Where string `json:"where"`
	// Action is created, updated or deleted.
	Action string `json:"action"`
	// Object is its kind and name.
	Object string `json:"object"`
}

func (r *run) did(where, action, object string) {
	r.changes = append(r.changes, Change{Where: where, Action: action, Object: object})
	suffix := ""
	if r.dryRun {
		suffix = " (dry run)"
	}
	r.report(fmt.Sprintf("%s: %s %s%s", where, object, action, suffix))
}

// typedClient is what every client of client-go's clientset offers.
type typedClient[T client.Object] interface {
	Get(ctx context.Context, name string, opts metav1.GetOptions) (T, error)
	Create(ctx context.Context, obj T, opts metav1.CreateOptions) (T, error)
	Update(ctx context.Context, obj T, opts metav1.UpdateOptions) (T, error)
	Delete(ctx context.Context, name string, opts metav1.DeleteOptions) error
}

// ensure makes an object exist as wanted. merge changes what is there towards what is wanted and
// tells whether it had to; it must leave alone what others own. What ensure creates is taken back
// if the run fails later; what was there before stays.
func ensure[T client.Object](ctx context.Context, r *run, where, kind string, c typedClient[T], want T, merge func(have T) bool) (T, error) {
	object := kind + " " + want.GetName()
	if want.GetNamespace() != "" {
		object = kind + " " + want.GetNamespace() + "/" + want.GetName()
	}
	for {
		have, err := c.Get(ctx, want.GetName(), metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err) && r.dryRun:
			r.did(where, "created", object)
			return want, nil
		case apierrors.IsNotFound(err):
			made, err := c.Create(ctx, want, metav1.CreateOptions{})
			if apierrors.IsAlreadyExists(err) {
				continue
			}
			if err != nil {
				return want, fmt.Errorf("creating %s: %w", object, err)
			}
			r.did(where, "created", object)
			uid := made.GetUID()
			r.undo.add(where+": "+object, func(ctx context.Context) error {
				err := c.Delete(ctx, made.GetName(), metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}})
				return client.IgnoreNotFound(err)
			})
			return made, nil
		case err != nil:
			return want, fmt.Errorf("reading %s: %w", object, err)
		}
		if !merge(have) {
			return have, nil
		}
		if r.dryRun {
			r.did(where, "updated", object)
			return have, nil
		}
		updated, err := c.Update(ctx, have, metav1.UpdateOptions{})
		if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
			if ctx.Err() != nil {
				return want, ctx.Err()
			}
			continue
		}
		if err != nil {
			return want, fmt.Errorf("updating %s: %w", object, err)
		}
		r.did(where, "updated", object)
		return updated, nil
	}
}

// mergeLabels adds what is wanted and tells whether anything was missing.
func mergeLabels(have metav1.Object, want map[string]string) bool {
	labels, changed := have.GetLabels(), false
	for k, v := range want {
		if labels[k] != v {
			if labels == nil {
				labels = map[string]string{}
			}
			labels[k], changed = v, true
		}
	}
	if changed {
		have.SetLabels(labels)
	}
	return changed
}

// mergeOwner makes the wanted owner, if any, the object's owner.
func mergeOwner(have metav1.Object, want []metav1.OwnerReference) bool {
	if len(want) == 0 {
		return false
	}
	for _, o := range have.GetOwnerReferences() {
		if o.UID == want[0].UID {
			return false
		}
	}
	kept := []metav1.OwnerReference{want[0]}
	for _, o := range have.GetOwnerReferences() {
		if o.Kind != want[0].Kind || o.Name != want[0].Name {
			kept = append(kept, o)
		}
	}
	have.SetOwnerReferences(kept)
	return true
}
