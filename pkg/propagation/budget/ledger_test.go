package budget

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// ledger records what is written to the control plane's etcd.
type ledger struct {
	client *clientv3.Client

	mu      sync.Mutex
	entries []entry
	last    int64 // revision that has been recorded
}

// entry is one write of one key.
type entry struct {
	resource, name string // "work.karmada.io/works", "karmada-es-m/web-1234"
	bytes          int    // of what is stored; 0 for a deletion
	created        bool
}

func openLedger(t *testing.T, endpoints []string) *ledger {
	t.Helper()
	c, err := clientv3.New(clientv3.Config{Endpoints: endpoints, DialTimeout: 5 * time.Second, Logger: zap.NewNop()})
	must(t, err)
	l := &ledger{client: c}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for answer := range c.Watch(ctx, "/", clientv3.WithPrefix()) {
			l.record(answer)
		}
	}()
	t.Cleanup(func() { cancel(); <-done; c.Close() })
	return l
}

func (l *ledger) record(answer clientv3.WatchResponse) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, event := range answer.Events {
		// /registry/RESOURCE/…, or /registry/GROUP/RESOURCE/… where the group has a dot.
		parts := strings.Split(strings.Trim(string(event.Kv.Key), "/"), "/")[1:]
		n := 1
		if strings.Contains(parts[0], ".") {
			n = 2
		}
		e := entry{resource: strings.Join(parts[:n], "/"), name: strings.Join(parts[n:], "/"), bytes: len(event.Kv.Value), created: event.IsCreate()}
		l.last = event.Kv.ModRevision
		if e.resource != "events" && e.resource != "leases" && e.resource != "masterleases" {
			l.entries = append(l.entries, e)
		}
	}
}

// mark is a place in the ledger, after all that has been written so far.
func (l *ledger) mark(t *testing.T) int {
	t.Helper()
	now, err := l.client.Get(t.Context(), "/", clientv3.WithCountOnly())
	must(t, err)
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		l.mu.Lock()
		n, last := len(l.entries), l.last
		l.mu.Unlock()
		if last >= now.Header.Revision {
			return n
		}
		if time.Now().After(deadline) {
			t.Fatalf("etcd's watch has told of revision %d only, want %d", last, now.Header.Revision)
		}
	}
}

func (l *ledger) between(from, to int) account {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.entries[from:to])
}

// quiet returns a mark after which nothing has been written for a second.
func (l *ledger) quiet(t *testing.T) int {
	t.Helper()
	last, since := l.mark(t), time.Now()
	for deadline := time.Now().Add(patience); time.Since(since) < time.Second; time.Sleep(50 * time.Millisecond) {
		if n := l.mark(t); n != last {
			last, since = n, time.Now()
		}
		if time.Now().After(deadline) {
			t.Fatalf("writes do not end; the last were %s", l.between(max(0, last-10), last))
		}
	}
	return last
}

// account is a part of the ledger.
type account []entry

func (a account) bytes() (sum int) {
	for _, e := range a {
		sum += e.bytes
	}
	return sum
}

// of returns the entries of one resource, those of all names if name is empty.
func (a account) of(resource, name string) (some account) {
	for _, e := range a {
		if e.resource == resource && (name == "" || e.name == name) {
			some = append(some, e)
		}
	}
	return some
}

func (a account) String() string {
	counts, bytes := map[string]int{}, map[string]int{}
	for _, e := range a {
		verb := "update"
		if e.created {
			verb = "create"
		}
		what := fmt.Sprintf("%s %s %s", verb, e.resource, e.name)
		counts[what]++
		bytes[what] += e.bytes
	}
	var lines []string
	for _, what := range slices.Sorted(maps.Keys(counts)) {
		lines = append(lines, fmt.Sprintf("%d × %s (%d bytes)", counts[what], what, bytes[what]))
	}
	return fmt.Sprintf("%d writes, %d bytes: %s", len(a), a.bytes(), strings.Join(lines, "; "))
}
