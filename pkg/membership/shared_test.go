package membership_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
)

// shared is the control plane that parallel tests have in common, with its controllers running. Go
// starts parallel tests when all others have ended, so that no two planes' controllers meet.
var shared sharedState

type sharedState struct {
	once  sync.Once
	plane *plane
	stop  func() error

	// members holds those that no test uses; taking more than one needs many.
	members chan int
	many    sync.Mutex
	taken   atomic.Int32
}

// member is a member cluster that a test has for itself.
type member struct {
	n    int
	name string // under which it is to be joined
}

// sharedPlane makes the test parallel and gives it the shared control plane and a member of its own.
func sharedPlane(t *testing.T) (*plane, member) {
	t.Helper()
	needClusters(t)
	t.Parallel()
	p := shared.get(t)
	return p, shared.take(t)
}

// sharedPlaneAlone is sharedPlane for tests that need both members, 1 and 2.
func sharedPlaneAlone(t *testing.T) *plane {
	t.Helper()
	needClusters(t)
	t.Parallel()
	p := shared.get(t)
	shared.many.Lock()
	defer shared.many.Unlock()
	shared.take(t)
	shared.take(t)
	return p
}

func (s *sharedState) get(t *testing.T) *plane {
	t.Helper()
	s.once.Do(func() {
		s.members = make(chan int, 2)
		s.members <- 1
		s.members <- 2
		p := newPlane(t)
		stop, err := p.start(quick)
		must(t, err)
		s.plane, s.stop = p, stop
	})
	if s.plane == nil {
		t.Fatal("the shared control plane did not start")
	}
	return s.plane
}

// take gives the test a member until it ends, with a name that no test has used.
func (s *sharedState) take(t *testing.T) member {
	t.Helper()
	n := <-s.members
	t.Cleanup(func() {
		defer func() { s.members <- n }()
		kube, err := clusters.Kube(n)
		must(t, err)
		removeOurs(t, kube)
	})
	return member{n: n, name: fmt.Sprintf("m%d-%d", n, s.taken.Add(1))}
}

func (s *sharedState) end() {
	if s.stop != nil {
		if err := s.stop(); err != nil {
			panic(err)
		}
	}
}
