package atolld

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// runUntilStopped returns a part that notes when it stops.
func runUntilStopped(mu *sync.Mutex, stopped *[]string, name string) func(context.Context) error {
	return func(ctx context.Context) error {
		<-ctx.Done()
		mu.Lock()
		defer mu.Unlock()
		*stopped = append(*stopped, name)
		return nil
	}
}

func TestPartsStopInOppositeOrder(t *testing.T) {
	var mu sync.Mutex
	var stopped []string
	ctx, cancel := context.WithCancel(context.Background())
	p := newProcess()
	for _, name := range []string{"etcd", "apiserver", "controllers"} {
		p.start(ctx, name, runUntilStopped(&mu, &stopped, name))
	}
	cancel()
	if err := p.wait(ctx); err != nil {
		t.Fatalf("an orderly stop failed: %v", err)
	}
	if want := []string{"controllers", "apiserver", "etcd"}; !slices.Equal(stopped, want) {
		t.Errorf("stopped %v, want %v", stopped, want)
	}
}

func TestAPartThatEndsStopsTheRest(t *testing.T) {
	var mu sync.Mutex
	var stopped []string
	p := newProcess()
	var told []error
	p.tell = func(err error) { told = append(told, err) }
	p.start(context.Background(), "etcd", runUntilStopped(&mu, &stopped, "etcd"))
	p.start(context.Background(), "apiserver", func(context.Context) error { return errors.New("disk on fire") })
	err := p.wait(context.Background())
	if err == nil || !strings.Contains(err.Error(), "apiserver ended: disk on fire") {
		t.Errorf("got %v, want the part's name and reason", err)
	}
	if !slices.Equal(stopped, []string{"etcd"}) {
		t.Errorf("stopped %v, want etcd", stopped)
	}
	if len(told) != 1 || !strings.Contains(told[0].Error(), "disk on fire") {
		t.Errorf("told %v before stopping, want the reason", told)
	}
}

func TestAPartThatDoesNotStopIsLeftBehind(t *testing.T) {
	p := newProcess()
	p.tell, p.stopTimeout = func(error) {}, time.Millisecond
	release := make(chan struct{})
	defer close(release)
	p.start(context.Background(), "the API server", func(context.Context) error { <-release; return nil })
	p.start(context.Background(), "etcd", func(context.Context) error { return errors.New("no space left on device") })
	err := p.wait(context.Background())
	for _, want := range []string{"etcd ended: no space left on device", "the API server did not stop within 1ms"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
