package announce

import (
	"context"
	"fmt"
	"hash/maphash"
	"maps"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/record"
	"k8s.io/client-go/tools/record/util"
	"k8s.io/client-go/tools/reference"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
)

const (
	// writers send events at the same time.
	writers = 8
	// queued is how many events may wait for each writer.
	queued = 1024
)

// Recorder is a record.EventRecorder that loses no event for want of time. It is safe
// for concurrent use. Events that were told before Start wait for it.
type Recorder struct {
	component string
	scheme    *runtime.Scheme
	clock     clock.Clock
	log       klog.Logger
	sink      record.EventSink
	seed      maphash.Seed
	// queues hold what each writer has to send; an object's events are all in one.
	queues [writers]chan *corev1.Event
	// stopped is closed when nothing is sent any more.
	stopped chan struct{}
}

var _ record.EventRecorder = &Recorder{}

// NewRecorder makes a recorder for events of the component. The scheme knows the Go
// types of the objects that are told of. The sink may be called by several at once.
func NewRecorder(component string, scheme *runtime.Scheme, sink record.EventSink, clock clock.Clock, log klog.Logger) *Recorder {
	r := &Recorder{component: component, scheme: scheme, clock: clock, log: log, sink: sink, seed: maphash.MakeSeed(), stopped: make(chan struct{})}
	for i := range r.queues {
		r.queues[i] = make(chan *corev1.Event, queued)
	}
	return r
}

// Event tells of an object. It waits while too many events are on their way.
func (r *Recorder) Event(object runtime.Object, eventType, reason, message string) {
	r.tell(object, nil, eventType, reason, message)
}

// Eventf is Event with a message in the manner of fmt.Sprintf.
func (r *Recorder) Eventf(object runtime.Object, eventType, reason, format string, args ...any) {
	r.tell(object, nil, eventType, reason, fmt.Sprintf(format, args...))
}

// AnnotatedEventf is Eventf for an event with annotations.
func (r *Recorder) AnnotatedEventf(object runtime.Object, annotations map[string]string, eventType, reason, format string, args ...any) {
	r.tell(object, annotations, eventType, reason, fmt.Sprintf(format, args...))
}

func (r *Recorder) tell(object runtime.Object, annotations map[string]string, eventType, reason, message string) {
	ref, err := reference.GetReference(r.scheme, object)
	if err != nil {
		r.log.Error(err, "An event has no object", "reason", reason, "type", fmt.Sprintf("%T", object))
		return
	}
	namespace := ref.Namespace
	if namespace == "" {
		namespace = metav1.NamespaceDefault
	}
	now := r.clock.Now()
	at := metav1.NewTime(now)
	event := &corev1.Event{
		ObjectMeta:     metav1.ObjectMeta{Name: util.GenerateEventName(ref.Name, now.UnixNano()), Namespace: namespace, Annotations: maps.Clone(annotations)},
		InvolvedObject: *ref,
		Type:           eventType, Reason: reason, Message: message,
		FirstTimestamp: at, LastTimestamp: at, Count: 1,
		Source:              corev1.EventSource{Component: r.component},
		ReportingController: r.component,
	}
	key := ref.Kind + "/" + namespace + "/" + ref.Name
	select {
	case r.queues[maphash.String(r.seed, key)%writers] <- event:
	case <-r.stopped:
	}
}

// NeedLeaderElection makes the recorder start and stop with what tells.
func (r *Recorder) NeedLeaderElection() bool { return true }

// lastWords is how long events that wait when the context ends may still be sent.
const lastWords = 5 * time.Second

// Start sends events until the context ends, and then those that wait, within a bounded time.
func (r *Recorder) Start(ctx context.Context) error {
	sending, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	ended := make(chan struct{}, writers)
	for i := range r.queues {
		go func() {
			w := &writer{sink: r.sink, clock: r.clock, log: r.log, correlator: record.NewEventCorrelator(r.clock)}
			w.run(sending, r.queues[i], ctx.Done())
			ended <- struct{}{}
		}()
	}
	<-ctx.Done()
	late := time.AfterFunc(lastWords, cancel)
	defer late.Stop()
	for range writers {
		<-ended
	}
	close(r.stopped)
	return nil
}
