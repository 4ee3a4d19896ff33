package capacity

import (
	"context"
	"sync"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
)

// Watch keeps the ledger up to date until ctx is done. It returns when its goroutines have ended.
func (l *Ledger) Watch(ctx context.Context, kube kubernetes.Interface, clk clock.Clock) {
	ctx = Quiet(ctx)
	core := kube.CoreV1().RESTClient()
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, r := range []*cache.Reflector{
		reflector(core, "nodes", &corev1.Node{}, l.nodeStore(), clk),
		reflector(core, "pods", &corev1.Pod{}, l.podStore(), clk),
	} {
		wg.Go(func() { r.RunWithContext(ctx) })
	}
}

func reflector(c rest.Interface, resource string, example any, s cache.ReflectorStore, clk clock.Clock) *cache.Reflector {
	lw := cache.NewListWatchFromClient(c, resource, corev1.NamespaceAll, fields.Everything())
	r := cache.NewReflectorWithOptions(lw, example, s, cache.ReflectorOptions{Name: "capacity/" + resource, Clock: clk})
	r.WatchListPageSize = 500 // for API servers that cannot stream lists
	return r
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
