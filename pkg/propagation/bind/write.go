package bind

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"sync"
	"time"

	workv1alpha1 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/propagation/mergepatch"
	"atoll.dev/atoll/pkg/propagation/settle"
	"atoll.dev/atoll/pkg/propagation/templates"
	"atoll.dev/atoll/pkg/propagation/twin"
)

// worksAtATime is how many Works of one binding are written at a time.
const worksAtATime = 16

// ensure writes the Works that differ from what they should be.
func (b *Binder) ensure(ctx context.Context, binding twin.Binding) (settle.Outcome, bool, error) {
	clusters := targets(binding.Spec)
	if len(clusters) == 0 {
		return settle.Outcome{}, false, nil
	}
	ref := binding.Spec.Resource
	key := templates.Key{
		GroupVersionKind: schema.FromAPIVersionAndKind(ref.APIVersion, ref.Kind),
		NamespacedName:   types.NamespacedName{Namespace: ref.Namespace, Name: ref.Name},
	}
	t, ok := b.opts.Templates.Get(key)
	switch {
	case !ok && !b.opts.Templates.Synced(key.GroupVersionKind):
		return settle.Outcome{After: 50 * time.Millisecond}, false, nil
	case !ok, ref.UID != "" && t.UID != ref.UID:
		return settle.Outcome{}, false, nil // the binding is about to go, or to be told of the new template
	case older(t.ResourceVersion, ref.ResourceVersion):
		return settle.Outcome{After: 5 * time.Millisecond}, false, nil // the binding knows more than our cache
	}
	base, err := t.Specification()
	if err != nil {
		return settle.Outcome{}, false, err
	}
	resolution := conflictResolution(base, binding.Spec.ConflictResolution)
	origin(base, b.planeUID)
	back := binding.BackReference()
	addAnnotations(base, back)
	addLabels(base, map[string]string{binding.PermanentIDLabel(): binding.PermanentID()})

	var completions map[string]int64
	if n, ok, _ := unstructured.NestedInt64(base.Object, "spec", "completions"); ok && key.GroupKind() == (schema.GroupKind{Group: "batch", Kind: "Job"}) && dividesJob(binding.Spec) {
		completions = divideCompletions(n, clusters, t.UID)
	}

	var mu sync.Mutex
	var group sync.WaitGroup
	failed := failures{}
	wrote := false
	slots := make(chan struct{}, worksAtATime)
	for _, c := range clusters {
		annotations := map[string]string{workv1alpha2.ResourceConflictResolutionAnnotation: resolution}
		for k, v := range back {
			annotations[k] = v
		}
		manifest := base.DeepCopy()
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			changed, err := b.ensureOne(ctx, binding, c, manifest, annotations, completions)
			mu.Lock()
			defer mu.Unlock()
			wrote = wrote || changed
			if err != nil {
				failed[c.Name] = err
			}
		})
	}
	group.Wait()
	return settle.Outcome{}, wrote, failed.aggregate()
}

func (b *Binder) ensureOne(ctx context.Context, binding twin.Binding, c workv1alpha2.TargetCluster, manifest *unstructured.Unstructured,
	annotations map[string]string, completions map[string]int64) (bool, error) {
	var err error
	hooks := b.opts.Interpreter.Hooks(manifest.GroupVersionKind())
	if hooks.ReviseReplicas != nil && binding.Spec.IsWorkload() {
		if manifest, err = hooks.ReviseReplicas(ctx, manifest, int64(c.Replicas)); err != nil {
			return false, fmt.Errorf("revising the replicas for cluster %s: %w", c.Name, err)
		}
	}
	if n, ok := completions[c.Name]; ok {
		if err := unstructured.SetNestedField(manifest.Object, n, "spec", "completions"); err != nil {
			return false, fmt.Errorf("dividing the completions for cluster %s: %w", c.Name, err)
		}
	}
	overridden, err := b.override(templateOf(binding), manifest, c.Name)
	if err != nil {
		return false, fmt.Errorf("overriding for cluster %s: %w", c.Name, err)
	}
	maps.Copy(annotations, overridden.Annotations)
	restore(binding.Spec, c.Name, len(targets(binding.Spec)), overridden.Manifest)
	wrote, err := b.write(ctx, wanted{
		name: workName(binding.Spec.Resource), namespace: wellknown.ExecutionNamespace(c.Name),
		labels: map[string]string{binding.PermanentIDLabel(): binding.PermanentID()}, annotations: annotations,
		manifest: overridden.Manifest,
		suspend:  ptr.To(suspended(binding.Spec.Suspension, c.Name)),
		preserve: ptr.To(ptr.Deref(binding.Spec.PreserveResourcesOnDeletion, false)),
	})
	if wrote {
		b.overridden(templateOf(binding), overridden.Policies, c.Name)
	}
	return wrote, err
}

// errBeingDeleted means that a former Work of this name is not gone yet; its going brings the binding back.
var errBeingDeleted = errors.New("it is being deleted")

// errBelongsToOther means that a Work of this name carries something else.
var errBelongsToOther = errors.New("it carries another template of the same name and kind")

// write creates or changes a Work, or leaves it alone if it is as it should be.
func (b *Binder) write(ctx context.Context, w wanted) (bool, error) {
	key := types.NamespacedName{Namespace: w.namespace, Name: w.name}
	was := &workv1alpha1.Work{}
	err := b.opts.Client.Get(ctx, key, was, client.UnsafeDisableDeepCopy)
	if made, ok := b.created.Load(key); ok && apierrors.IsNotFound(err) {
		was, err = made.(*workv1alpha1.Work), nil
	}
	switch {
	case apierrors.IsNotFound(err):
		to, err := w.render(nil)
		if err != nil {
			return false, err
		}
		to.OwnerReferences = w.owners
		if err := fits(to); err != nil {
			return false, fmt.Errorf("creating Work %s/%s: %w", w.namespace, w.name, err)
		}
		if err := refusedForSize(b.opts.Client.Create(ctx, to)); err != nil {
			return false, fmt.Errorf("creating Work %s/%s: %w", w.namespace, w.name, err)
		}
		b.created.Store(key, to)
		if b.opts.Client.Get(ctx, key, was, client.UnsafeDisableDeepCopy) == nil {
			b.created.Delete(key) // its event came before the answer
		}
		return true, nil
	case err != nil:
		return false, fmt.Errorf("reading Work %s/%s: %w", w.namespace, w.name, err)
	case !was.DeletionTimestamp.IsZero():
		return false, fmt.Errorf("work %s/%s: %w", w.namespace, w.name, errBeingDeleted)
	case foreign(was, w):
		return false, fmt.Errorf("writing Work %s/%s: %w", w.namespace, w.name, errBelongsToOther)
	}
	to, err := w.render(was)
	if err != nil {
		return false, err
	}
	if sameManifest(was, to) {
		to.Spec.Workload.Manifests = was.Spec.Workload.Manifests
		if equality.Semantic.DeepEqual(was, to) {
			return false, nil
		}
	}
	if err := fits(to); err != nil {
		return false, fmt.Errorf("updating Work %s/%s: %w", w.namespace, w.name, err)
	}
	wrote, err := mergepatch.Apply(ctx, b.opts.Client, was, to, false)
	if err := refusedForSize(err); err != nil {
		b.created.Delete(key)
		return false, fmt.Errorf("updating Work %s/%s: %w", w.namespace, w.name, err)
	}
	if wrote {
		b.written.Store(client.ObjectKeyFromObject(to), to.ResourceVersion)
	}
	return wrote, nil
}

// foreign tells whether a Work was made for another binding than the one that now wants it.
func foreign(was *workv1alpha1.Work, w wanted) bool {
	owner, has := twin.BindingOfWork(was.Annotations)
	wants, is := twin.BindingOfWork(w.annotations)
	return has && is && owner != wants
}

// sameManifest compares bytes first; the API server may have ordered them otherwise.
func sameManifest(a, b *workv1alpha1.Work) bool {
	x, y := a.Spec.Workload.Manifests, b.Spec.Workload.Manifests
	if len(x) != 1 || len(y) != 1 {
		return false
	}
	if string(x[0].Raw) == string(y[0].Raw) {
		return true
	}
	var p, q map[string]any
	return utiljson.Unmarshal(x[0].Raw, &p) == nil && utiljson.Unmarshal(y[0].Raw, &q) == nil && equality.Semantic.DeepEqual(p, q)
}

// older tells whether resourceVersion a came before b. Versions that are no numbers have no order.
func older(a, b string) bool {
	x, err := strconv.ParseUint(a, 10, 64)
	if err != nil {
		return false
	}
	y, err := strconv.ParseUint(b, 10, 64)
	return err == nil && x < y
}
