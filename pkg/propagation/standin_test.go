package propagation_test

import (
	"context"
	"encoding/json"
	"strings"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"atoll.dev/atoll/pkg/propagation/settle"
	"atoll.dev/atoll/pkg/propagation/twin"
)

// standIn plays the scheduler: it writes spec.clusters as the rig says, and once that it did.
type standIn struct {
	client.Client
	cache cache.Cache
	rig   *rig
}

func (s *standIn) Start(ctx context.Context) error {
	queue := settle.New[types.NamespacedName](settle.Options{Name: "stand-in"})
	for _, namespace := range []string{"", "any"} {
		informer, err := s.cache.GetInformer(ctx, twin.NewBinding(namespace).Object)
		if err != nil {
			return err
		}
		add := func(obj any) {
			o := obj.(client.Object)
			if o.GetNamespace() == s.rig.namespace || strings.Contains(o.GetName(), s.rig.namespace) {
				queue.Add(client.ObjectKeyFromObject(o))
			}
		}
		if _, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{AddFunc: add, UpdateFunc: func(_, obj any) { add(obj) }}); err != nil {
			return err
		}
	}
	queue.Run(ctx, 4, s.schedule)
	return nil
}

func (s *standIn) schedule(ctx context.Context, key types.NamespacedName) (settle.Outcome, error) {
	b, err := twin.GetBinding(ctx, s, key)
	if err != nil {
		return settle.Outcome{}, client.IgnoreNotFound(err)
	}
	clusters := s.rig.place(b)
	if clusters == nil || sameClusters(b.Spec.Clusters, clusters) || !b.GetDeletionTimestamp().IsZero() {
		return settle.Outcome{}, s.observed(ctx, b)
	}
	raw, err := json.Marshal(map[string]any{"spec": map[string]any{"clusters": clusters}})
	if err != nil {
		return settle.Outcome{}, err
	}
	if err := s.Patch(ctx, b.Copy().Object, client.RawPatch(types.MergePatchType, raw)); err != nil || b.Status.LastScheduledTime != nil {
		return settle.Outcome{}, client.IgnoreNotFound(err)
	}
	raw, err = json.Marshal(map[string]any{"status": map[string]any{
		"lastScheduledTime": metav1.Now(),
		"conditions": []metav1.Condition{{Type: workv1alpha2.Scheduled, Status: metav1.ConditionTrue, Reason: "Success",
			Message: "Binding has been scheduled successfully.", LastTransitionTime: metav1.Now()}},
	}})
	if err != nil {
		return settle.Outcome{}, err
	}
	return settle.Outcome{}, client.IgnoreNotFound(s.Status().Patch(ctx, b.Copy().Object, client.RawPatch(types.MergePatchType, raw)))
}

// observed says of bindings with evictions that they are placed as they are, which ends evictions.
func (s *standIn) observed(ctx context.Context, b twin.Binding) error {
	if len(b.Spec.GracefulEvictionTasks) == 0 || len(b.Spec.Clusters) == 0 || b.Status.SchedulerObservedGeneration == b.GetGeneration() {
		return nil
	}
	raw, err := json.Marshal(map[string]any{"status": map[string]any{"schedulerObservedGeneration": b.GetGeneration()}})
	if err != nil {
		return err
	}
	return client.IgnoreNotFound(s.Status().Patch(ctx, b.Copy().Object, client.RawPatch(types.MergePatchType, raw)))
}

func sameClusters(a, b []workv1alpha2.TargetCluster) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
