package announce

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
)

// An event that cannot be sent is tried again after a time that doubles from
// firstRetry, attempts times in all.
const (
	firstRetry = 100 * time.Millisecond
	attempts   = 8
)

// writer sends the events of some objects, one after the other.
type writer struct {
	sink       record.EventSink
	clock      clock.Clock
	log        klog.Logger
	correlator *record.EventCorrelator
}

// lull is for how long nothing must come after the end until a writer leaves: whoever
// tells is told to stop at the same time, and has yet to tell of what it has just done.
const lull = 100 * time.Millisecond

// run sends what comes until leave is closed, and then what still comes, unless ctx ends.
func (w *writer) run(ctx context.Context, queue <-chan *corev1.Event, leave <-chan struct{}) {
	for {
		select {
		case event := <-queue:
			w.send(ctx, event)
		case <-leave:
			select {
			case event := <-queue:
				w.send(ctx, event)
			case <-w.clock.After(lull):
				return
			case <-ctx.Done():
			}
		}
		if ctx.Err() != nil {
			return
		}
	}
}

func (w *writer) send(ctx context.Context, event *corev1.Event) {
	result, err := w.correlator.EventCorrelate(event)
	if err != nil || result.Skip {
		return
	}
	wait := firstRetry
	for range attempts {
		if err = w.write(result); err == nil || !worthRetrying(err) {
			break
		}
		select {
		case <-w.clock.After(wait):
			wait *= 2
		case <-ctx.Done():
			return
		}
	}
	if err != nil && !apierrors.IsAlreadyExists(err) && !apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause) {
		w.log.Error(err, "An event is lost", "reason", event.Reason, "object", klog.KRef(event.InvolvedObject.Namespace, event.InvolvedObject.Name))
	}
}

// write counts an event up that was sent before, or creates it.
func (w *writer) write(result *record.EventCorrelateResult) error {
	var (
		written *corev1.Event
		err     error
	)
	if result.Event.Count > 1 {
		written, err = w.sink.Patch(result.Event, result.Patch)
	}
	if result.Event.Count <= 1 || apierrors.IsNotFound(err) { // it has expired
		result.Event.ResourceVersion = ""
		written, err = w.sink.Create(result.Event)
	}
	if err != nil {
		return err
	}
	w.correlator.UpdateState(written)
	return nil
}

// worthRetrying tells whether the API server was not reached, or could not take the event just then.
func worthRetrying(err error) bool {
	status, answered := err.(apierrors.APIStatus)
	return !answered || status.Status().Code >= 500 || apierrors.IsTooManyRequests(err)
}
