// Package changes tells a loop what happens to the control plane's objects: pairs
// of what an object was and what it is. It only reads the manager's cache.
package changes

import (
	"context"
	"fmt"

	toolscache "k8s.io/client-go/tools/cache"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Of calls changed for every object of obj's kind that appears (old is nil; all that exist appear
// first), changes or disappears (new is nil). changed must return quickly and must not change the
// objects. Of waits until the cache is filled; delivered tells whether changed has been called for
// all that existed then.
func Of(ctx context.Context, c cache.Cache, obj client.Object, changed func(old, new client.Object)) (delivered toolscache.InformerSynced, err error) {
	informer, err := c.GetInformer(ctx, obj)
	if err != nil {
		return nil, fmt.Errorf("watching %T: %w", obj, err)
	}
	registration, err := informer.AddEventHandler(toolscache.ResourceEventHandlerFuncs{
		AddFunc:    func(obj any) { changed(nil, obj.(client.Object)) },
		UpdateFunc: func(old, new any) { changed(old.(client.Object), new.(client.Object)) },
		DeleteFunc: func(obj any) {
			if t, ok := obj.(toolscache.DeletedFinalStateUnknown); ok {
				obj = t.Obj
			}
			if o, ok := obj.(client.Object); ok {
				changed(o, nil)
			}
		},
	})
	if err != nil {
		return nil, fmt.Errorf("watching %T: %w", obj, err)
	}
	return registration.HasSynced, nil
}
