package templates

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	"atoll.dev/atoll/pkg/propagation/compact"
	"atoll.dev/atoll/pkg/propagation/twin"
)

// claimIndex finds templates by the ID of the policy that claims them.
const claimIndex = "claim"

// Options of a Store.
type Options struct {
	Dynamic   dynamic.Interface
	Discovery discovery.DiscoveryInterface
	Skip      Skip
	// Refresh is how often kinds are looked up when nothing hints at a change. Default 30 s.
	Refresh time.Duration
	// Clock defaults to the real one.
	Clock clock.WithTicker
}

// Store holds all templates. Listeners are added before Start.
type Store struct {
	opts      Options
	listeners []func(old, new *compact.Object)
	hint      chan struct{}

	mu    sync.RWMutex
	kinds map[schema.GroupVersionKind]*watched
	// discovered closes when the kinds have been looked up for the first time.
	discovered chan struct{}
}

// watched is a kind and its informer.
type watched struct {
	Resource
	informer cache.SharedIndexInformer
	synced   cache.InformerSynced
	stop     context.CancelFunc
}

// NewStore returns a store that is empty until it is started.
func NewStore(opts Options) *Store {
	if opts.Refresh == 0 {
		opts.Refresh = 30 * time.Second
	}
	if opts.Clock == nil {
		opts.Clock = clock.RealClock{}
	}
	return &Store{opts: opts, hint: make(chan struct{}, 1), kinds: map[schema.GroupVersionKind]*watched{}, discovered: make(chan struct{})}
}

// OnChange has f called for every template that appears (old is nil), changes or disappears (new is
// nil). It must return quickly. It must be called before Start.
func (s *Store) OnChange(f func(old, new *compact.Object)) { s.listeners = append(s.listeners, f) }

// Start watches until ctx ends; it implements manager.Runnable.
func (s *Store) Start(ctx context.Context) error {
	ctx = klog.NewContext(ctx, klog.FromContext(ctx).WithName("templates"))
	defer s.stopAll()
	// After a hint the new API takes a moment to show up in discovery.
	soon := []time.Duration{20 * time.Millisecond, 200 * time.Millisecond, time.Second, 3 * time.Second}
	pending := soon[len(soon)-1:]
	s.refresh(ctx)
	for {
		wait := s.opts.Refresh
		if len(pending) > 0 {
			wait, pending = pending[0], pending[1:]
		}
		timer := s.opts.Clock.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-s.hint:
			pending = soon
			timer.Stop()
			continue
		case <-timer.C():
			s.refresh(ctx)
		}
	}
}

// refresh starts informers of kinds that are new and stops those of kinds that are gone.
func (s *Store) refresh(ctx context.Context) {
	found, failed, err := discover(s.opts.Discovery, s.opts.Skip)
	if err != nil {
		klog.FromContext(ctx).Error(err, "Looking up the kinds that can be propagated; will try again")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	gone := make(map[schema.GroupVersionKind]*watched, len(s.kinds))
	for gvk, w := range s.kinds {
		if _, unknown := failed[gvk.GroupVersion()]; !unknown {
			gone[gvk] = w
		}
	}
	for _, r := range found {
		gvk := r.GroupVersionKind()
		if w := s.kinds[gvk]; w != nil && w.Resource == r {
			delete(gone, gvk)
		}
	}
	for gvk, w := range gone {
		w.stop()
		delete(s.kinds, gvk)
	}
	for _, r := range found {
		if s.kinds[r.GroupVersionKind()] == nil {
			s.kinds[r.GroupVersionKind()] = s.watch(ctx, r)
		}
	}
	select {
	case <-s.discovered:
	default:
		close(s.discovered)
	}
}

func (s *Store) watch(ctx context.Context, r Resource) *watched {
	ctx, stop := context.WithCancel(ctx)
	informer := dynamicinformer.NewFilteredDynamicInformer(s.opts.Dynamic, r.GroupVersionResource, metav1.NamespaceAll, 0, cache.Indexers{
		cache.NamespaceIndex: cache.MetaNamespaceIndexFunc,
		claimIndex: func(obj any) ([]string, error) {
			o := obj.(*compact.Object)
			if claim := twin.ClaimOn(o.Labels, o.Annotations); claim.ID != "" {
				return []string{claim.ID}, nil
			}
			return nil, nil
		},
	}, nil).Informer()
	// These fail only on an informer that runs already.
	_ = informer.SetTransform(s.transform(r))
	_ = informer.SetWatchErrorHandlerWithContext(func(ctx context.Context, _ *cache.Reflector, err error) {
		klog.FromContext(ctx).V(1).Info("Watching templates was interrupted", "resource", r.GroupVersionResource, "err", err)
	})
	w := &watched{Resource: r, informer: informer, stop: stop}
	registration, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(obj any) { s.changed(r, nil, obj.(*compact.Object)) },
		UpdateFunc: func(old, new any) { s.changed(r, old.(*compact.Object), new.(*compact.Object)) },
		DeleteFunc: func(obj any) {
			if t, ok := obj.(cache.DeletedFinalStateUnknown); ok {
				obj = t.Obj
			}
			if o, ok := obj.(*compact.Object); ok {
				s.changed(r, o, nil)
			}
		},
	})
	if err != nil {
		klog.FromContext(ctx).Error(err, "Watching templates", "resource", r.GroupVersionResource)
		return w
	}
	w.synced = registration.HasSynced
	go informer.RunWithContext(ctx)
	return w
}

// transform compacts; of what is never propagated it keeps the metadata alone.
func (s *Store) transform(r Resource) cache.TransformFunc {
	whole := compact.Transform(nil)
	kind := r.GroupVersionKind().GroupKind()
	return func(in any) (any, error) {
		if u, ok := in.(interface {
			metav1.Object
			UnstructuredContent() map[string]any
		}); ok && s.opts.Skip.Object(kind, u) {
			content := u.UnstructuredContent()
			for field := range content {
				if field != "apiVersion" && field != "kind" && field != "metadata" {
					delete(content, field)
				}
			}
		}
		return whole(in)
	}
}

func (s *Store) changed(r Resource, old, new *compact.Object) {
	any := new
	if any == nil {
		any = old
	}
	if (r.Group == "apiextensions.k8s.io" && r.Kind == "CustomResourceDefinition") || r.Group == "apiregistration.k8s.io" {
		select {
		case s.hint <- struct{}{}:
		default:
		}
	}
	if s.opts.Skip.Object(r.GroupVersionKind().GroupKind(), any) {
		return
	}
	for _, f := range s.listeners {
		f(old, new)
	}
}

func (s *Store) stopAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.kinds {
		w.stop()
	}
}

func (s *Store) kind(gvk schema.GroupVersionKind) *watched {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.kinds[gvk]
}

// Kinds returns the kinds that templates can be of, as far as they are known.
func (s *Store) Kinds() []schema.GroupVersionKind {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Collect(maps.Keys(s.kinds))
}

// Resource returns how a kind is served; false if it cannot be propagated or is not known yet.
func (s *Store) Resource(gvk schema.GroupVersionKind) (Resource, bool) {
	if w := s.kind(gvk); w != nil {
		return w.Resource, true
	}
	return Resource{}, false
}

// Synced tells whether all templates of the kind that existed when it was found are here. A kind
// that cannot be propagated has none, so that it is in sync once kinds have been looked up.
func (s *Store) Synced(gvk schema.GroupVersionKind) bool {
	select {
	case <-s.discovered:
	default:
		return false
	}
	w := s.kind(gvk)
	return w == nil || w.synced != nil && w.synced()
}

// Get returns a template.
func (s *Store) Get(key Key) (*compact.Object, bool) {
	w := s.kind(key.GroupVersionKind)
	if w == nil {
		return nil, false
	}
	name := key.Name
	if key.Namespace != "" {
		name = key.Namespace + "/" + key.Name
	}
	obj, ok, err := w.informer.GetIndexer().GetByKey(name)
	if err != nil || !ok {
		return nil, false
	}
	o := obj.(*compact.Object)
	return o, !s.opts.Skip.Object(key.GroupKind(), o)
}

// Each calls f for the templates of a kind, in a namespace if it is not empty, whose labels match.
func (s *Store) Each(gvk schema.GroupVersionKind, namespace string, selector labels.Selector, f func(*compact.Object)) {
	w := s.kind(gvk)
	if w == nil {
		return
	}
	visit := func(obj any) {
		if o := obj.(*compact.Object); !s.opts.Skip.Object(gvk.GroupKind(), o) && (selector.Empty() || selector.Matches(labels.Set(o.Labels))) {
			f(o)
		}
	}
	if namespace == "" {
		for _, obj := range w.informer.GetIndexer().List() {
			visit(obj)
		}
		return
	}
	objs, err := w.informer.GetIndexer().ByIndex(cache.NamespaceIndex, namespace)
	if err != nil {
		return // only if there were no such index
	}
	for _, obj := range objs {
		visit(obj)
	}
}

// ClaimedBy returns the templates that the policy with this ID claims.
func (s *Store) ClaimedBy(id string) []*compact.Object {
	if id == "" {
		return nil
	}
	s.mu.RLock()
	all := make([]*watched, 0, len(s.kinds))
	for _, w := range s.kinds {
		all = append(all, w)
	}
	s.mu.RUnlock()
	var claimed []*compact.Object
	for _, w := range all {
		objs, _ := w.informer.GetIndexer().ByIndex(claimIndex, id)
		for _, obj := range objs {
			claimed = append(claimed, obj.(*compact.Object))
		}
	}
	return claimed
}
