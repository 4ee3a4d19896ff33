package announce

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
)

// sink keeps what it is given.
type sink struct {
	mu      sync.Mutex
	created []*corev1.Event
	counted map[string]int32
	// fail is returned by Create as long as it returns an error.
	fail func() error
}

func (s *sink) Create(e *corev1.Event) (*corev1.Event, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		if err := s.fail(); err != nil {
			return nil, err
		}
	}
	s.created = append(s.created, e)
	return e, nil
}

func (s *sink) Update(e *corev1.Event) (*corev1.Event, error) { return e, nil }

func (s *sink) Patch(e *corev1.Event, _ []byte) (*corev1.Event, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.counted == nil {
		s.counted = map[string]int32{}
	}
	s.counted[e.Name] = e.Count
	return e, nil
}

// recording runs a recorder while tell is called, and returns once everything is sent.
func recording(t *testing.T, s *sink, tell func(*Recorder)) {
	t.Helper()
	r := NewRecorder("default-scheduler", scheme.Scheme, s, clock.RealClock{}, klog.Background())
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Start(ctx) }()
	tell(r)
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func object(i int) runtime.Object {
	return &corev1.ObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "default", Name: fmt.Sprintf("web-%d", i)}
}

// TestNoneIsLost tells of more than fits in all queues, without pause, and stops at once.
func TestNoneIsLost(t *testing.T) {
	const count = 3 * writers * queued
	s := &sink{}
	recording(t, s, func(r *Recorder) {
		var group sync.WaitGroup
		for worker := range 8 {
			group.Go(func() {
				for i := worker; i < count; i += 8 {
					r.Event(object(i), corev1.EventTypeNormal, "ScheduleBindingSucceed", "placed")
				}
			})
		}
		group.Wait()
	})
	told := map[string]bool{}
	for _, e := range s.created {
		told[e.InvolvedObject.Name] = true
	}
	if len(told) != count {
		t.Errorf("%d of %d are told of", len(told), count)
	}
	e := s.created[0]
	if e.Source.Component != "default-scheduler" || e.Namespace != "default" || e.Count != 1 || e.Reason != "ScheduleBindingSucceed" || e.FirstTimestamp.IsZero() {
		t.Errorf("event %+v", e)
	}
}

func TestOrderAndRepetition(t *testing.T) {
	s := &sink{}
	recording(t, s, func(r *Recorder) {
		r.Event(object(1), corev1.EventTypeWarning, "ScheduleBindingFailed", "no room")
		r.Event(object(1), corev1.EventTypeWarning, "ScheduleBindingFailed", "no room")
		r.Eventf(object(1), corev1.EventTypeNormal, "ScheduleBindingSucceed", "placed on %s", "a")
		r.Event(&corev1.ObjectReference{Kind: "Namespace", Name: "team"}, corev1.EventTypeNormal, "ScheduleBindingSucceed", "placed")
	})
	var messages []string
	for _, e := range s.created {
		if e.InvolvedObject.Kind == "Deployment" {
			messages = append(messages, e.Message)
		} else if e.Namespace != metav1.NamespaceDefault {
			t.Errorf("the event of a cluster-scoped object is in namespace %q", e.Namespace)
		}
	}
	if len(messages) != 2 || messages[0] != "no room" || messages[1] != "placed on a" {
		t.Errorf("created %q, want each once in the order told", messages)
	}
	if len(s.counted) != 1 {
		t.Errorf("counted up %v, want the one that was repeated", s.counted)
	}
}

func TestRetries(t *testing.T) {
	for _, c := range []struct {
		name string
		err  error
		want int
	}{
		{"the API server was away", errors.New("connection refused"), 1},
		{"the API server was busy", apierrors.NewTooManyRequests("later", 1), 1},
		{"refused", apierrors.NewForbidden(corev1.Resource("events"), "x", errors.New("no")), 0},
		{"malformed", &apierrors.StatusError{ErrStatus: metav1.Status{Code: http.StatusUnprocessableEntity, Reason: metav1.StatusReasonInvalid}}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			failures := 2
			s := &sink{fail: func() error {
				if failures == 0 {
					return nil
				}
				failures--
				return c.err
			}}
			recording(t, s, func(r *Recorder) { r.Event(object(1), corev1.EventTypeNormal, "ScheduleBindingSucceed", "placed") })
			if len(s.created) != c.want {
				t.Errorf("%d created, want %d", len(s.created), c.want)
			}
		})
	}
}

// TestNobodyWaitsAfterTheEnd tells of more than fits when nothing is sent any more.
func TestNobodyWaitsAfterTheEnd(t *testing.T) {
	s := &sink{}
	var r *Recorder
	recording(t, s, func(running *Recorder) { r = running })
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 2 * queued {
			r.Event(object(1), corev1.EventTypeNormal, "ScheduleBindingSucceed", "placed")
		}
	}()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		t.Fatal("telling waits for ever")
	}
}
