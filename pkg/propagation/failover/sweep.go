package failover

import (
	"context"
	"fmt"
	"time"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"atoll.dev/atoll/pkg/propagation/changes"
	"atoll.dev/atoll/pkg/propagation/settle"
	"atoll.dev/atoll/pkg/propagation/twin"
)

// panorama is how all clusters stand. It is not changed once it can be seen.
type panorama struct {
	places map[string]*place
	// stopped tells that evictions are stopped, calmed when the mass loss was over, zero while it is not.
	stopped bool
	calmed  time.Time
}

// theSweep is the only key of Controller.sweeps.
const theSweep = "clusters"

// listen looks at all clusters before it looks at the first binding.
func (f *Controller) listen(ctx context.Context) error {
	if _, err := changes.Of(ctx, f.opts.Cache, &clusterv1alpha1.Cluster{}, f.clusterChanged); err != nil {
		return err
	}
	if err := f.look(ctx); err != nil {
		return err
	}
	for _, namespace := range []string{"", "any"} {
		if _, err := changes.Of(ctx, f.opts.Cache, twin.NewBinding(namespace).Object, f.bindingChanged); err != nil {
			return err
		}
	}
	return nil
}

func (f *Controller) clusterChanged(old, new client.Object) {
	var was, is *place
	var name string
	if old != nil {
		was, name = placeOf(old.(*clusterv1alpha1.Cluster)), old.GetName()
	}
	if new != nil {
		is, name = placeOf(new.(*clusterv1alpha1.Cluster)), new.GetName()
	}
	if old != nil && !was.differs(is) {
		return
	}
	f.mu.Lock()
	f.changed[name] = true
	f.mu.Unlock()
	f.sweeps.Add(theSweep)
}

func (f *Controller) bindingChanged(old, new client.Object) {
	if new == nil {
		f.ailments.forget(client.ObjectKeyFromObject(old))
		return
	}
	if b := twin.BindingOf(new); f.concerned(b, f.seen.Load(), nil) {
		f.bindings.Add(b.Key())
	}
}

// concerned tells whether there may be anything to do for a binding: it has tasks, it can fail over by
// itself, or it is in a cluster that is tainted or among those that changed.
func (f *Controller) concerned(b twin.Binding, seen *panorama, changed map[string]bool) bool {
	if len(b.Spec.GracefulEvictionTasks) > 0 || failsOver(b.Spec) {
		return true
	}
	for _, t := range b.Spec.Clusters {
		if p := seen.places[t.Name]; changed[t.Name] || p != nil && len(p.taints) > 0 {
			return true
		}
	}
	return false
}

// sweep looks at the clusters again and hands on the bindings that they concern.
func (f *Controller) sweep(ctx context.Context, _ string) (settle.Outcome, error) {
	f.mu.Lock()
	changed := f.changed
	f.changed = map[string]bool{}
	f.mu.Unlock()
	if err := f.look(ctx); err != nil {
		return settle.Outcome{}, err
	}
	seen := f.seen.Load()
	err := twin.EachBinding(ctx, f.opts.Client, func(b twin.Binding) {
		if f.concerned(b, seen, changed) {
			f.bindings.Add(b.Key())
		}
	})
	if err != nil {
		f.mu.Lock()
		for name := range changed {
			f.changed[name] = true
		}
		f.mu.Unlock()
		return settle.Outcome{}, err
	}
	if !seen.calmed.IsZero() {
		return settle.Outcome{After: max(seen.calmed.Add(f.opts.Settings.Calm).Sub(f.opts.Clock.Now()), time.Millisecond)}, nil
	}
	return settle.Outcome{}, nil
}

// look replaces what has been seen of the clusters.
func (f *Controller) look(ctx context.Context) error {
	var list clusterv1alpha1.ClusterList
	if err := f.opts.Client.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
		return fmt.Errorf("listing clusters: %w", err)
	}
	var all []*place
	for i := range list.Items {
		if p := placeOf(&list.Items[i]); p != nil {
			all = append(all, p)
		}
	}
	was := f.seen.Load()
	if was == nil {
		was = &panorama{}
	}
	is := was.next(all, f.opts.Clock.Now(), f.opts.Settings)
	f.seen.Store(is)
	if is.stopped != was.stopped {
		f.announce(ctx, is, was)
	}
	return nil
}

// next is how things stand after v, when these clusters are there.
func (v *panorama) next(all []*place, now time.Time, s Settings) *panorama {
	is := &panorama{places: make(map[string]*place, len(all))}
	for _, p := range all {
		is.places[p.name] = p
	}
	switch {
	case massLoss(all, s.MassLossWindow, s.MassLossShare):
		is.stopped = true
	case v.stopped && v.calmed.IsZero() && s.Calm > 0:
		is.stopped, is.calmed = true, now
	case v.stopped && now.Before(v.calmed.Add(s.Calm)):
		is.stopped, is.calmed = true, v.calmed
	}
	return is
}

// announce tells of a mass loss on every cluster that it concerns, and of its end.
func (f *Controller) announce(ctx context.Context, is, was *panorama) {
	kind, reason, message := corev1.EventTypeWarning, "EvictionStopped",
		"Many clusters were lost at about the same time, which may be our own network's fault: nothing is evicted until contact is back. "+
			"Annotate a cluster with failover.atoll.dev/confirmed-lost=true if it is gone for good."
	if !is.stopped {
		kind, reason, message = corev1.EventTypeNormal, "EvictionResumed", "Contact with enough clusters is back: evictions go on."
		klog.FromContext(ctx).Info("Evictions go on: contact with enough clusters is back")
	}
	lost := 0
	for name, p := range is.places {
		before := was.places[name]
		if p.lost || !is.stopped && before != nil && before.lost {
			lost++
			ref := &corev1.ObjectReference{APIVersion: clusterv1alpha1.SchemeGroupVersion.String(), Kind: "Cluster", Name: name}
			f.opts.Recorder.Event(ref, kind, reason, message)
		}
	}
	if is.stopped {
		klog.FromContext(ctx).Info("Evictions stop: many clusters were lost at about the same time", "lost", lost, "clusters", len(is.places))
	}
}
