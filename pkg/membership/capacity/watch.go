package capacity

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
)

// A member that denied us a kind is asked again after a time that doubles from firstRefusal, since a
// right may take a moment to be known everywhere, to lastRefusal.
const (
	firstRefusal = 5 * time.Second
	lastRefusal  = 5 * time.Minute
)

// Watch keeps the ledger up to date until ctx is done. It returns when its goroutines have ended.
// Quotas and volumes of a member that does not let us see them are unknown; it is asked for them
// again every few minutes.
func (l *Ledger) Watch(ctx context.Context, kube kubernetes.Interface, clk clock.Clock) {
	ctx = Quiet(ctx)
	core := kube.CoreV1().RESTClient()
	quotas, volumes := l.quotaStore(), l.volumeStore()
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, r := range []*cache.Reflector{
		reflector(source(core, "nodes"), &corev1.Node{}, l.nodeStore(), clk),
		reflector(source(core, "pods"), &corev1.Pod{}, l.podStore(), clk),
		reflector(optional(source(core, "resourcequotas"), quotas.refuse, clk), &corev1.ResourceQuota{}, quotas, clk),
		reflector(optional(source(core, "persistentvolumes"), volumes.refuse, clk), &corev1.PersistentVolume{}, volumes, clk),
	} {
		wg.Go(func() { r.RunWithContext(ctx) })
	}
}

func source(c rest.Interface, resource string) *cache.ListWatch {
	return cache.NewListWatchFromClient(c, resource, corev1.NamespaceAll, fields.Everything())
}

func reflector(lw *cache.ListWatch, example any, s cache.ReflectorStore, clk clock.Clock) *cache.Reflector {
	r := cache.NewReflectorWithOptions(lw, example, s, cache.ReflectorOptions{Name: fmt.Sprintf("capacity/%T", example), Clock: clk})
	r.WatchListPageSize = 500 // for API servers that cannot stream lists
	return r
}

// optional makes a denied request refuse the kind, and last until it may be worth another one.
func optional(lw *cache.ListWatch, refuse func(), clk clock.Clock) *cache.ListWatch {
	pause := firstRefusal
	denied := func(ctx context.Context, err error) {
		if !apierrors.IsForbidden(err) {
			return
		}
		refuse()
		again := clk.NewTimer(pause)
		defer again.Stop()
		pause = min(2*pause, lastRefusal)
		select {
		case <-ctx.Done():
		case <-again.C():
		}
	}
	return &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			list, err := lw.ListWithContext(ctx, o)
			denied(ctx, err)
			return list, err
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			w, err := lw.WatchWithContext(ctx, o)
			denied(ctx, err)
			return w, err
		},
	}
}

// Quiet returns a context whose logger shows errors at verbosity 2 only. It is for watches on a
// member: that a member fails is told by its Ready condition, not by a line at each retry.
func Quiet(ctx context.Context) context.Context {
	logger := klog.FromContext(ctx)
	if sink := logger.GetSink(); sink != nil {
		logger = logger.WithSink(quietSink{sink})
	}
	return klog.NewContext(ctx, logger)
}

type quietSink struct{ logr.LogSink }

func (s quietSink) Error(err error, msg string, keysAndValues ...any) {
	if s.Enabled(2) {
		s.LogSink.Info(2, msg, append(keysAndValues, "err", err)...)
	}
}

func (s quietSink) WithValues(keysAndValues ...any) logr.LogSink {
	return quietSink{s.LogSink.WithValues(keysAndValues...)}
}

func (s quietSink) WithName(name string) logr.LogSink { return quietSink{s.LogSink.WithName(name)} }
