package observe

import (
	"context"
	"strconv"
	"sync"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/membership/connection"
	"atoll.dev/atoll/pkg/propagation/compact"
)

// FieldManager is the name under which the control plane owns fields in members.
const FieldManager = "atoll"

// Listener hears what happens to dispatched objects. Its methods must return quickly.
type Listener interface {
	// Changed is called when an object of a Work of this member appears (old is nil), changes or
	// disappears (new is nil).
	Changed(work types.NamespacedName, old, new *compact.Object)
	// Synced is called when all objects of a resource have been seen for the first time.
	Synced(resource schema.GroupVersionResource)
}

// Observer watches one member over one connection.
type Observer struct {
	Conn     *connection.Connection
	ctx      context.Context
	listener Listener

	mu          sync.Mutex
	resources   map[schema.GroupVersionResource]*resource
	autoscalers *autoscalers // nil until somebody asks
}

// resource is one informer with what our own writes have returned and it has not delivered yet.
type resource struct {
	informer cache.SharedIndexInformer
	synced   cache.InformerSynced

	mu    sync.Mutex
	ahead map[types.NamespacedName]*compact.Object
}

// New returns an observer that watches nothing yet. It ends with ctx or with the connection.
func New(ctx context.Context, conn *connection.Connection, listener Listener) *Observer {
	ctx, stop := context.WithCancel(ctx)
	go func() {
		defer stop()
		select {
		case <-ctx.Done():
		case <-conn.Done:
		}
	}()
	return &Observer{Conn: conn, ctx: ctx, listener: listener, resources: map[schema.GroupVersionResource]*resource{}}
}

// Done is closed when the observer has ended.
func (o *Observer) Done() <-chan struct{} { return o.ctx.Done() }

// transform keeps of the managed fields what dispatching must know: whether an object was created
// and not yet applied by us, and whether an autoscaler owns its replicas.
var transform = compact.Transform(func(m compact.Manager) bool {
	return CreatedByUs(m) || ScaledByAutoscaler(m)
})

// CreatedByUs tells whether the entry is our ownership from creating the object, as opposed to applying it.
func CreatedByUs(m compact.Manager) bool {
	return m.Name == FieldManager && m.Operation == metav1.ManagedFieldsOperationUpdate && m.Subresource == ""
}

// ScaledByAutoscaler tells whether the entry is that of the horizontal pod autoscaler: nothing
// else in the controller manager writes to a scale subresource.
func ScaledByAutoscaler(m compact.Manager) bool {
	return m.Name == "kube-controller-manager" && m.Subresource == "scale"
}

// Watch starts watching a resource unless it is watched already. It does not wait.
func (o *Observer) Watch(gvr schema.GroupVersionResource) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.resources[gvr] != nil || o.ctx.Err() != nil {
		return
	}
	r := &resource{ahead: map[types.NamespacedName]*compact.Object{}}
	r.informer = dynamicinformer.NewFilteredDynamicInformer(o.Conn.Dynamic, gvr, metav1.NamespaceAll, 0, cache.Indexers{}, func(opts *metav1.ListOptions) {
		opts.LabelSelector = wellknown.ManagedLabel + "=" + wellknown.LabelValueTrue
	}).Informer()
	// These fail only on an informer that runs already.
	_ = r.informer.SetTransform(transform)
	_ = r.informer.SetWatchErrorHandlerWithContext(func(ctx context.Context, _ *cache.Reflector, err error) {
		klog.FromContext(ctx).V(1).Info("Watching dispatched objects was interrupted", "cluster", o.Conn.Cluster, "resource", gvr, "err", err)
	})
	registration, err := r.informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(obj any) { o.changed(r, nil, obj.(*compact.Object)) },
		UpdateFunc: func(old, new any) { o.changed(r, old.(*compact.Object), new.(*compact.Object)) },
		DeleteFunc: func(obj any) {
			if t, ok := obj.(cache.DeletedFinalStateUnknown); ok {
				obj = t.Obj
			}
			if was, ok := obj.(*compact.Object); ok {
				o.changed(r, was, nil)
			}
		},
	})
	if err != nil {
		klog.FromContext(o.ctx).Error(err, "Watching dispatched objects", "cluster", o.Conn.Cluster, "resource", gvr)
		return
	}
	r.synced = registration.HasSynced
	o.resources[gvr] = r
	go r.informer.RunWithContext(o.ctx)
	go func() {
		if cache.WaitForCacheSync(o.ctx.Done(), r.synced) {
			o.listener.Synced(gvr)
		}
	}()
}

func (o *Observer) changed(r *resource, old, new *compact.Object) {
	any := new
	if any == nil {
		any = old
	}
	key := types.NamespacedName{Namespace: any.Namespace, Name: any.Name}
	r.mu.Lock()
	if ahead := r.ahead[key]; ahead != nil && !newer(ahead, any) {
		delete(r.ahead, key)
	}
	r.mu.Unlock()
	if work, ok := o.workOf(any); ok {
		o.listener.Changed(work, old, new)
	}
}

// workOf returns the Work that an object says it belongs to, if it is one of this member.
func (o *Observer) workOf(obj *compact.Object) (types.NamespacedName, bool) {
	work := types.NamespacedName{
		Namespace: obj.Annotations[workv1alpha2.WorkNamespaceAnnotation],
		Name:      obj.Annotations[workv1alpha2.WorkNameAnnotation],
	}
	return work, work.Name != "" && work.Namespace == wellknown.ExecutionNamespace(o.Conn.Cluster)
}

func (o *Observer) resource(gvr schema.GroupVersionResource) *resource {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.resources[gvr]
}

// Synced tells whether all dispatched objects of a resource are known.
func (o *Observer) Synced(gvr schema.GroupVersionResource) bool {
	r := o.resource(gvr)
	return r != nil && r.synced()
}

// AllSynced tells whether all dispatched objects of all watched resources are known.
func (o *Observer) AllSynced() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, r := range o.resources {
		if !r.synced() {
			return false
		}
	}
	return true
}

// Get returns a dispatched object, in the newest version known. That it knows of none does not
// prove that there is none: somebody may have taken our label off, or it is a moment behind.
func (o *Observer) Get(gvr schema.GroupVersionResource, key types.NamespacedName) (*compact.Object, bool) {
	r := o.resource(gvr)
	if r == nil {
		return nil, false
	}
	r.mu.Lock()
	ahead := r.ahead[key]
	if ahead != nil && r.synced() && !before(r.informer.LastSyncResourceVersion(), ahead.ResourceVersion) {
		// The informer has been past it: it delivers, or has delivered, what became of the object.
		delete(r.ahead, key)
		ahead = nil
	}
	r.mu.Unlock()
	if ahead != nil {
		return ahead, true
	}
	name := key.Name
	if key.Namespace != "" {
		name = key.Namespace + "/" + key.Name
	}
	obj, ok, err := r.informer.GetIndexer().GetByKey(name)
	if err != nil || !ok {
		return nil, false
	}
	return obj.(*compact.Object), true
}

// Saw takes note of what the member answered to a write of ours, so that it is known before the
// informer delivers it. u is used up.
func (o *Observer) Saw(gvr schema.GroupVersionResource, u *unstructured.Unstructured) (*compact.Object, error) {
	compacted, err := transform(u)
	if err != nil {
		return nil, err
	}
	obj := compacted.(*compact.Object)
	r := o.resource(gvr)
	if r == nil {
		return obj, nil
	}
	key := types.NamespacedName{Namespace: obj.Namespace, Name: obj.Name}
	r.mu.Lock()
	defer r.mu.Unlock()
	name := key.String()
	if key.Namespace == "" {
		name = key.Name
	}
	known, ok, _ := r.informer.GetIndexer().GetByKey(name)
	if !ok || newer(obj, known.(*compact.Object)) {
		r.ahead[key] = obj
	}
	return obj, nil
}

// Gone takes note that an object is not there any more, whatever was seen of it.
func (o *Observer) Gone(gvr schema.GroupVersionResource, key types.NamespacedName) {
	if r := o.resource(gvr); r != nil {
		r.mu.Lock()
		delete(r.ahead, key)
		r.mu.Unlock()
	}
}

func newer(a, b *compact.Object) bool { return before(b.ResourceVersion, a.ResourceVersion) }

// before compares resourceVersions as the numbers that Kubernetes' are; others have no order.
func before(a, b string) bool {
	x, errX := strconv.ParseUint(a, 10, 64)
	y, errY := strconv.ParseUint(b, 10, 64)
	return errX == nil && errY == nil && x < y
}
