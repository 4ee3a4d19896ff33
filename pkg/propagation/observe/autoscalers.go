package observe

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
)

// AutoscalerResource is what WatchAutoscalers watches.
var AutoscalerResource = schema.GroupVersionResource{Group: "autoscaling", Version: "v2", Resource: "horizontalpodautoscalers"}

// Target is an object that an autoscaler scales.
type Target struct {
	schema.GroupKind
	types.NamespacedName
}

// autoscalers are the member's horizontal pod autoscalers, whoever made them: of each only what it scales.
type autoscalers struct {
	informer cache.SharedIndexInformer
	synced   cache.InformerSynced
	// asked are the targets that were asked for before the answer was known; guarded by Observer.mu.
	asked map[Target]struct{}
}

// autoscaler is one of them as it is stored.
type autoscaler struct {
	metav1.ObjectMeta
	target Target
}

const byTarget = "target"

func (t Target) index() string { return t.GroupKind.String() + "|" + t.NamespacedName.String() }

func compactAutoscaler(in any) (any, error) {
	u, ok := in.(*unstructured.Unstructured)
	if !ok {
		return in, nil
	}
	ref, _, err := unstructured.NestedStringMap(u.Object, "spec", "scaleTargetRef")
	if err != nil {
		ref = nil // scales nothing that we know of
	}
	return &autoscaler{
		ObjectMeta: metav1.ObjectMeta{Namespace: u.GetNamespace(), Name: u.GetName(), UID: u.GetUID(), ResourceVersion: u.GetResourceVersion()},
		target: Target{
			schema.FromAPIVersionAndKind(ref["apiVersion"], ref["kind"]).GroupKind(),
			types.NamespacedName{Namespace: u.GetNamespace(), Name: ref["name"]},
		},
	}, nil
}

// Autoscaled tells whether a horizontal pod autoscaler of the member scales the target. known is
// false as long as the autoscalers have not been seen; the listener hears of the target's object
// when they have been, and whenever the answer may have changed. Seeing them needs the right to.
func (o *Observer) Autoscaled(target Target) (yes, known bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ctx.Err() != nil {
		return false, false
	}
	if o.autoscalers == nil {
		o.autoscalers = o.watchAutoscalers()
	}
	if o.autoscalers == nil {
		return false, false
	}
	if !o.autoscalers.synced() {
		o.autoscalers.asked[target] = struct{}{}
		return false, false
	}
	found, err := o.autoscalers.informer.GetIndexer().IndexKeys(byTarget, target.index())
	return len(found) > 0, err == nil
}

func (o *Observer) watchAutoscalers() *autoscalers {
	a := &autoscalers{asked: map[Target]struct{}{}}
	a.informer = dynamicinformer.NewFilteredDynamicInformer(o.Conn.Dynamic, AutoscalerResource, metav1.NamespaceAll, 0, cache.Indexers{
		byTarget: func(obj any) ([]string, error) {
			if s, ok := obj.(*autoscaler); ok {
				return []string{s.target.index()}, nil
			}
			return nil, nil
		},
	}, nil).Informer()
	_ = a.informer.SetTransform(compactAutoscaler) // fails only on an informer that runs already
	changed := func(obj any) {
		if t, ok := obj.(cache.DeletedFinalStateUnknown); ok {
			obj = t.Obj
		}
		if s, ok := obj.(*autoscaler); ok {
			o.rescaled(s.target)
		}
	}
	registration, err := a.informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: changed, DeleteFunc: changed,
		UpdateFunc: func(old, new any) {
			was, ok := old.(*autoscaler)
			if is, too := new.(*autoscaler); ok && too && was.target != is.target {
				changed(old)
				changed(new)
			}
		},
	})
	if err != nil {
		klog.FromContext(o.ctx).Error(err, "Watching autoscalers", "cluster", o.Conn.Cluster)
		return nil
	}
	a.synced = registration.HasSynced
	go a.informer.RunWithContext(o.ctx)
	go func() {
		if !cache.WaitForCacheSync(o.ctx.Done(), a.synced) {
			return
		}
		o.mu.Lock()
		asked := a.asked
		a.asked = map[Target]struct{}{}
		o.mu.Unlock()
		for target := range asked {
			o.rescaled(target)
		}
	}()
	return a
}

// rescaled has the target's object looked at again, if it is one that was dispatched.
func (o *Observer) rescaled(target Target) {
	mapping, err := o.Conn.Mapper.RESTMapping(target.GroupKind)
	if err != nil {
		return // a kind that the member does not serve has no objects
	}
	obj, ok := o.Get(mapping.Resource, target.NamespacedName)
	if !ok {
		return
	}
	if work, ok := o.workOf(obj); ok {
		o.listener.Changed(work, nil, obj)
	}
}
