package dispatch

import (
	"fmt"
	"testing"
	"time"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

func uids(from, to int) []types.UID {
	var all []types.UID
	for i := from; i < to; i++ {
		all = append(all, types.UID(fmt.Sprint(i)))
	}
	return all
}

func newBreaker() *breaker {
	return &breaker{limit: DeletionLimit{Floor: 20}.withDefaults(), admitted: map[types.UID]time.Time{}}
}

func TestBreakerAdmits(t *testing.T) {
	start := time.Unix(1e9, 0)
	for name, c := range map[string]struct {
		total, waiting int
		release        release
		heldBefore     bool
		admitted       int
	}{
		"few of few":                       {total: 20, waiting: 20, admitted: 20},
		"more than the floor of few":       {total: 30, waiting: 21, admitted: 0},
		"30 % of many":                     {total: 1000, waiting: 300, admitted: 300},
		"more than 30 % of many":           {total: 1000, waiting: 301, admitted: 0},
		"held before the restart":          {total: 1000, waiting: 30, heldBefore: true, admitted: 0},
		"a single one, held before":        {total: 1000, waiting: 1, heldBefore: true, admitted: 1},
		"released by number":               {total: 1000, waiting: 900, release: release{count: 900}, heldBefore: true, admitted: 900},
		"released by too small a number":   {total: 1000, waiting: 900, release: release{count: 899}, heldBefore: true, admitted: 0},
		"released until later":             {total: 1000, waiting: 900, release: release{until: start.Add(time.Second)}, heldBefore: true, admitted: 900},
		"released until some time earlier": {total: 1000, waiting: 900, release: release{until: start.Add(-time.Second)}, heldBefore: true, admitted: 0},
	} {
		b, admitted := newBreaker(), 0
		waiting := uids(0, c.waiting)
		for _, w := range waiting {
			if ok, _ := b.admit(start, w, c.release, c.total, waiting, c.heldBefore && admitted == 0); ok {
				admitted++
			}
		}
		if admitted != c.admitted {
			t.Errorf("%s: %d admitted, want %d", name, admitted, c.admitted)
		}
	}
}

// Deletions that come one after the other count together for an interval.
func TestBreakerCountsOverAnInterval(t *testing.T) {
	now, b := time.Unix(1e9, 0), newBreaker()
	total, admitted := 40, 0
	for i := range 21 {
		now = now.Add(time.Second)
		one := uids(i, i+1)
		if ok, _ := b.admit(now, one[0], release{}, total-admitted, one, false); ok {
			admitted++
		}
	}
	if admitted != 20 {
		t.Errorf("%d admitted within a minute, want 20", admitted)
	}
	if ok, _ := b.admit(now, "0", release{}, 20, []types.UID{"20"}, false); !ok {
		t.Error("a retry of an admitted one is held")
	}
	now = now.Add(time.Minute)
	if ok, _ := b.admit(now, "20", release{}, 20, []types.UID{"20"}, false); !ok {
		t.Error("the last one is held for ever")
	}
}

func TestReleaseAnnotation(t *testing.T) {
	for value, want := range map[string]release{
		"12":                   {count: 12},
		"2026-01-02T15:04:05Z": {until: time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)},
	} {
		c := &clusterv1alpha1.Cluster{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{ReleaseDeletionsAnnotation: value}}}
		if got := releaseOf(c); got != want {
			t.Errorf("%q: %+v, want %+v", value, got, want)
		}
	}
	for _, value := range []string{"", "-1", "all", "tomorrow"} {
		c := &clusterv1alpha1.Cluster{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{ReleaseDeletionsAnnotation: value}}}
		if got := releaseOf(c); got.wrong == "" {
			t.Errorf("%q: %+v, want a complaint", value, got)
		}
	}
}
