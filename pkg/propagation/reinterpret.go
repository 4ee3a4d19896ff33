package propagation

import (
	"context"
	"fmt"
	"slices"
	"sync"

	workv1alpha1 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"atoll.dev/atoll/pkg/propagation/compact"
	"atoll.dev/atoll/pkg/propagation/settle"
	"atoll.dev/atoll/pkg/propagation/templates"
	"atoll.dev/atoll/pkg/propagation/twin"
	"atoll.dev/atoll/pkg/propagation/work"
)

// reinterpretation has every stage look again at all objects of kinds of which something else is
// known now. Each stage writes only what comes out differently. It implements manager.Runnable.
type reinterpretation struct {
	client    client.Client
	templates *templates.Store
	// Those of the stages that look at a template, at a binding and at a Work.
	ofTemplates []func(templates.Key)
	ofBindings  []func(types.NamespacedName)
	ofWorks     []func(types.NamespacedName)

	queue *settle.Queue[struct{}]
	mu    sync.Mutex
	// pending tell which kinds are concerned by changes that have not been followed up.
	pending []func(schema.GroupVersionKind) bool
}

func newReinterpretation(c client.Client, store *templates.Store, clk clock.WithTicker) *reinterpretation {
	return &reinterpretation{
		client: c, templates: store,
		queue: settle.New[struct{}](settle.Options{Name: "reinterpret", Window: DefaultSettleWindow, Clock: clk}),
	}
}

// changed takes a change in.
func (r *reinterpretation) changed(concerned func(schema.GroupVersionKind) bool) {
	r.mu.Lock()
	r.pending = append(r.pending, concerned)
	r.mu.Unlock()
	r.queue.Add(struct{}{})
}

// Start runs until ctx ends.
func (r *reinterpretation) Start(ctx context.Context) error {
	r.queue.Run(klog.NewContext(ctx, klog.FromContext(ctx).WithName("reinterpret")), 1, r.reconcile)
	return nil
}

func (r *reinterpretation) reconcile(ctx context.Context, _ struct{}) (settle.Outcome, error) {
	r.mu.Lock()
	pending := r.pending
	r.pending = nil
	r.mu.Unlock()
	concerned := func(kind schema.GroupVersionKind) bool {
		return slices.ContainsFunc(pending, func(f func(schema.GroupVersionKind) bool) bool { return f(kind) })
	}
	for _, kind := range r.templates.Kinds() {
		if concerned(kind) {
			r.templates.Each(kind, "", labels.Everything(), func(t *compact.Object) { tell(r.ofTemplates, templates.KeyOf(t)) })
		}
	}
	if err := r.tellOfBindings(ctx, concerned); err != nil {
		return settle.Outcome{}, r.again(pending, err)
	}
	if err := r.tellOfWorks(ctx, concerned); err != nil {
		return settle.Outcome{}, r.again(pending, err)
	}
	return settle.Outcome{Changed: true}, nil
}

// again keeps what could not be followed up.
func (r *reinterpretation) again(pending []func(schema.GroupVersionKind) bool, err error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pending = append(pending, r.pending...)
	return err
}

func (r *reinterpretation) tellOfBindings(ctx context.Context, concerned func(schema.GroupVersionKind) bool) error {
	var namespaced workv1alpha2.ResourceBindingList
	var cluster workv1alpha2.ClusterResourceBindingList
	for _, list := range []client.ObjectList{&namespaced, &cluster} {
		if err := r.client.List(ctx, list, client.UnsafeDisableDeepCopy); err != nil {
			return fmt.Errorf("listing bindings whose kinds are interpreted otherwise: %w", err)
		}
	}
	each := func(b twin.Binding) {
		ref := b.Spec.Resource
		if concerned(schema.FromAPIVersionAndKind(ref.APIVersion, ref.Kind)) {
			tell(r.ofBindings, b.Key())
		}
	}
	for i := range namespaced.Items {
		each(twin.BindingOf(&namespaced.Items[i]))
	}
	for i := range cluster.Items {
		each(twin.BindingOf(&cluster.Items[i]))
	}
	return nil
}

func (r *reinterpretation) tellOfWorks(ctx context.Context, concerned func(schema.GroupVersionKind) bool) error {
	var works workv1alpha1.WorkList
	if err := r.client.List(ctx, &works, client.UnsafeDisableDeepCopy); err != nil {
		return fmt.Errorf("listing Works whose kinds are interpreted otherwise: %w", err)
	}
	for i := range works.Items {
		w := &works.Items[i]
		if slices.ContainsFunc(work.References(w), func(ref work.Reference) bool { return concerned(ref.GroupVersionKind) }) {
			tell(r.ofWorks, client.ObjectKeyFromObject(w))
		}
	}
	return nil
}

func tell[K any](all []func(K), key K) {
	for _, f := range all {
		f(key)
	}
}
