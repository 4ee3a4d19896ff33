package dependencies

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	configv1alpha1 "github.com/karmada-io/karmada/pkg/apis/config/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/propagation/changes"
	"atoll.dev/atoll/pkg/propagation/compact"
	"atoll.dev/atoll/pkg/propagation/interpret"
	"atoll.dev/atoll/pkg/propagation/mergepatch"
	"atoll.dev/atoll/pkg/propagation/settle"
	"atoll.dev/atoll/pkg/propagation/templates"
	"atoll.dev/atoll/pkg/propagation/twin"
)

// Options of a Distributor. Required but where said.
type Options struct {
	// Cache and Client of the control plane; the client reads from the cache.
	Cache       cache.Cache
	Client      client.Client
	Templates   *templates.Store
	Interpreter interpret.Interpreter
	Recorder    record.EventRecorder
	// Workers is how many objects each of the two loops handles at a time. Default 8.
	Workers int
	// Clock defaults to the real one.
	Clock clock.WithTicker
}

// Distributor is the controller. It implements manager.Runnable.
type Distributor struct {
	opts  Options
	needs index
	// bindings are those whose requirements are looked at, required the templates that requirements may concern.
	bindings *settle.Queue[types.NamespacedName]
	required *settle.Queue[templates.Key]
}

// New returns a distributor that listens to the template store.
func New(opts Options) *Distributor {
	if opts.Workers == 0 {
		opts.Workers = 8
	}
	if opts.Clock == nil {
		opts.Clock = clock.RealClock{}
	}
	d := &Distributor{
		opts:     opts,
		bindings: settle.New[types.NamespacedName](settle.Options{Name: "requirements", Clock: opts.Clock}),
		required: settle.New[templates.Key](settle.Options{Name: "required", Clock: opts.Clock}),
	}
	opts.Templates.OnChange(d.templateChanged)
	return d
}

// Start runs until ctx ends.
func (d *Distributor) Start(ctx context.Context) error {
	ctx = klog.NewContext(ctx, klog.FromContext(ctx).WithName("dependencies"))
	for _, namespace := range []string{"", "any"} {
		delivered, err := changes.Of(ctx, d.opts.Cache, twin.NewBinding(namespace).Object, d.bindingChanged)
		if err != nil {
			return err
		}
		// What all bindings required must be known before any list of them is touched.
		if !toolscache.WaitForCacheSync(ctx.Done(), delivered) {
			return ctx.Err()
		}
	}
	var group sync.WaitGroup
	group.Go(func() { d.bindings.Run(ctx, d.opts.Workers, d.reconcile) })
	group.Go(func() { d.required.Run(ctx, d.opts.Workers, d.attach) })
	group.Wait()
	return nil
}

func (d *Distributor) templateChanged(old, new *compact.Object) {
	for _, t := range []*compact.Object{old, new} {
		if t != nil && len(d.needs.of(t)) > 0 {
			d.required.Add(templates.KeyOf(t))
			return
		}
	}
}

func (d *Distributor) bindingChanged(old, new client.Object) {
	for _, obj := range []client.Object{old, new} {
		if obj == nil {
			continue
		}
		b := twin.BindingOf(obj)
		if b.Spec.PropagateDeps {
			d.bindings.Add(b.Key())
		}
		if len(b.Spec.RequiredBy) > 0 || labelledAsRequired(b) {
			d.required.Add(templateOf(b))
		}
	}
	if old != nil || new == nil {
		return
	}
	// A binding heard of for the first time, as all are after a start: what it required last holds
	// until its template has been asked again.
	b := twin.BindingOf(new)
	if !b.Spec.PropagateDeps || !b.GetDeletionTimestamp().IsZero() {
		return
	}
	if r, err := requirementOf(b, recorded(b.GetAnnotations()[wellknown.DependenciesAnnotation])); err == nil && r != nil {
		d.needs.set(b.Key(), r)
	}
}

// Reinterpret has a binding looked at, since what is known of its template's kind has changed.
func (d *Distributor) Reinterpret(binding types.NamespacedName) { d.bindings.Add(binding) }

// reconcile finds out what one binding requires.
func (d *Distributor) reconcile(ctx context.Context, key types.NamespacedName) (settle.Outcome, error) {
	b, err := twin.GetBinding(ctx, d.opts.Client, key)
	switch {
	case apierrors.IsNotFound(err):
		d.require(key, nil)
		return settle.Outcome{}, nil
	case err != nil:
		return settle.Outcome{}, fmt.Errorf("reading binding %s: %w", key, err)
	case !b.GetDeletionTimestamp().IsZero(), !b.Spec.PropagateDeps, len(whereabouts(b.Spec)) == 0:
		d.require(key, nil)
		if !b.Spec.PropagateDeps {
			return settle.Outcome{}, d.annotate(ctx, b, nil)
		}
		return settle.Outcome{}, nil
	}
	of := templateOf(b)
	t, ok := d.opts.Templates.Get(of)
	switch {
	case !ok && !d.opts.Templates.Synced(of.GroupVersionKind):
		return settle.Outcome{After: 50 * time.Millisecond}, nil
	case !ok:
		return settle.Outcome{}, nil // the binding is about to go
	}
	var found []configv1alpha1.DependentObjectReference
	if dependencies := d.opts.Interpreter.Hooks(of.GroupVersionKind).Dependencies; dependencies != nil {
		u, err := t.Specification()
		if err != nil {
			return settle.Outcome{}, err
		}
		if found, err = dependencies(ctx, u); err != nil {
			d.opts.Recorder.Event(referenceTo(b), corev1.EventTypeWarning, "GetDependenciesFailed", err.Error())
			return settle.Outcome{}, fmt.Errorf("asking what %s depends on: %w", of, err)
		}
	}
	r, err := requirementOf(b, found)
	if err != nil {
		d.opts.Recorder.Event(referenceTo(b), corev1.EventTypeWarning, "GetDependenciesFailed", err.Error())
		return settle.Outcome{}, fmt.Errorf("reading what %s depends on: %w", of, err)
	}
	d.require(key, r)
	return settle.Outcome{}, d.annotate(ctx, b, found)
}

// require takes in what a binding requires and has the templates looked at that this concerns.
func (d *Distributor) require(binding types.NamespacedName, now *requirement) {
	before := d.needs.set(binding, now)
	for _, r := range []*requirement{before, now} {
		if r == nil {
			continue
		}
		for _, s := range r.references {
			if s.Name != "" {
				d.required.Add(keyOf(s))
				continue
			}
			d.opts.Templates.Each(s.Kind, s.Namespace, everything, func(t *compact.Object) { d.required.Add(templates.KeyOf(t)) })
		}
	}
}

// annotate records on a binding what its template depends on, nil for nothing.
func (d *Distributor) annotate(ctx context.Context, b twin.Binding, found []configv1alpha1.DependentObjectReference) error {
	value := ""
	if len(found) > 0 {
		raw, err := json.Marshal(found)
		if err != nil {
			return fmt.Errorf("recording the dependencies of %s: %w", b, err)
		}
		value = string(raw)
	}
	if b.GetAnnotations()[wellknown.DependenciesAnnotation] == value {
		return nil
	}
	wanted := b.Copy()
	annotations := wanted.GetAnnotations()
	if value == "" {
		delete(annotations, wellknown.DependenciesAnnotation)
	} else {
		if annotations == nil {
			annotations = map[string]string{}
		}
		annotations[wellknown.DependenciesAnnotation] = value
	}
	wanted.SetAnnotations(annotations)
	if _, err := mergepatch.Apply(ctx, d.opts.Client, b.Object, wanted.Object, false); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("recording the dependencies of %s: %w", b, err)
	}
	if value != "" {
		d.opts.Recorder.Eventf(referenceTo(b), corev1.EventTypeNormal, "GetDependenciesSucceed", "Get dependencies(%s) succeed.", described(found))
	}
	return nil
}

// described lists dependencies for people.
func described(dependencies []configv1alpha1.DependentObjectReference) string {
	var parts []string
	for _, d := range dependencies {
		what := d.Name
		if what == "" {
			what = "with labels"
		}
		parts = append(parts, d.Kind+" "+what)
	}
	return strings.Join(parts, ", ")
}

// templateOf names the template of a binding.
func templateOf(b twin.Binding) templates.Key {
	ref := b.Spec.Resource
	return templates.Key{
		GroupVersionKind: schema.FromAPIVersionAndKind(ref.APIVersion, ref.Kind),
		NamespacedName:   types.NamespacedName{Namespace: ref.Namespace, Name: ref.Name},
	}
}

// referenceTo refers to the template of a binding, for events.
func referenceTo(b twin.Binding) *corev1.ObjectReference {
	ref := b.Spec.Resource
	return &corev1.ObjectReference{APIVersion: ref.APIVersion, Kind: ref.Kind, Namespace: ref.Namespace, Name: ref.Name, UID: ref.UID, ResourceVersion: ref.ResourceVersion}
}
