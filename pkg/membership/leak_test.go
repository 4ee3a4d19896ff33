package membership_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// A member whose address changes again and again leaves neither goroutines nor connections behind.
func TestRotationLeaksNothing(t *testing.T) {
	p := startPlane(t, quick)
	req := p.request(t, "m1", 1)
	direct := req.Member.Host
	var l *link
	l, req.Member = linkTo(t, req.Member)
	p.join(t, req)
	eventually(t, 5*time.Second, func(context.Context) error { return ready(p.cluster(t, "m1")) })
	rotate := func(to string) {
		before := p.connect(t, "m1")
		c := p.cluster(t, "m1")
		base := c.DeepCopy()
		c.Spec.APIEndpoint = to
		must(t, p.client.Patch(t.Context(), c, client.MergeFrom(base)))
		select {
		case <-before.Done:
		case <-time.After(5 * time.Second):
			t.Fatal("the old connection stays open")
		}
		conn := p.connect(t, "m1")
		eventually(t, 5*time.Second, func(ctx context.Context) error {
			_, err := conn.Kube.Discovery().ServerVersion()
			return err
		})
	}
	through := req.Member.Host
	rotate(direct)
	rotate(through)
	settled := settle()
	for range 10 {
		rotate(direct)
		rotate(through)
	}
	eventually(t, 20*time.Second, func(context.Context) error {
		if now := runtime.NumGoroutine(); now > settled+15 {
			return fmt.Errorf("%d goroutines, %d before the rotations:\n%s", now, settled, busiest())
		}
		if n := l.open(); n > 4 {
			return fmt.Errorf("%d connections are open", n)
		}
		return nil
	})
}

// settle waits until the number of goroutines stops falling and returns it.
func settle() int {
	n := runtime.NumGoroutine()
	for range 20 {
		time.Sleep(50 * time.Millisecond)
		n = min(n, runtime.NumGoroutine())
	}
	return n
}

// busiest names the functions that most goroutines are in.
func busiest() string {
	buf := make([]byte, 1<<20)
	counts := map[string]int{}
	for _, g := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		lines := strings.Split(g, "\n")
		counts[lines[len(lines)-1]]++
	}
	out := ""
	for where, n := range counts {
		if n > 5 {
			out += fmt.Sprintf("%4d %s\n", n, where)
		}
	}
	return out
}
