package failover

import (
	"fmt"
	"testing"
	"time"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestMassLoss(t *testing.T) {
	for name, c := range map[string]struct {
		clusters int
		lost     []int // since when, in seconds
		want     bool
	}{
		"none":                             {10, nil, false},
		"the only one":                     {1, []int{0}, false},
		"one of two":                       {2, []int{0}, false},
		"both of two":                      {2, []int{0, 1}, true},
		"two of three":                     {3, []int{0, 1}, true},
		"five of ten":                      {10, []int{0, 1, 2, 3, 4}, false},
		"six of ten":                       {10, []int{0, 1, 2, 3, 4, 300}, true},
		"six of ten, one long before":      {10, []int{-1, 1, 2, 3, 4, 300}, false},
		"the window may be anywhere":       {4, []int{-9000, -5000, -4900, -4800}, true},
		"one after the other, for a while": {4, []int{-9000, -8000, -7000, -6000}, false},
	} {
		t.Run(name, func(t *testing.T) {
			var all []*place
			for i := range c.clusters {
				p := &place{since: at(-99999)}
				if i < len(c.lost) {
					p.lost, p.since = true, at(c.lost[i])
				}
				all = append(all, p)
			}
			if got := massLoss(all, DefaultMassLossWindow, DefaultMassLossShare); got != c.want {
				t.Errorf("got %t", got)
			}
		})
	}
}

// Evictions stop with the mass loss, and go on when it has been over for a while.
func TestCalm(t *testing.T) {
	both, one, none := clusters("a", "b").lost("a", 0).lost("b", 1), clusters("a", "b").lost("a", 0), clusters("a", "b")
	settings := Settings{}.withDefaults()
	seen := &panorama{}
	for _, step := range []struct {
		at      int
		w       world
		stopped bool
	}{
		{0, none, false},
		{2, one, false},
		{3, both, true},
		{9000, both, true},
		{9001, one, true}, // over, but the other one may follow
		{9050, one, true},
		{9055, both, true}, // not over after all
		{9070, one, true},
		{9129, one, true},
		{9130, one, false}, // a's loss is its own
		{9131, none, false},
	} {
		seen = seen.next([]*place{step.w["a"], step.w["b"]}, at(step.at), settings)
		if seen.stopped != step.stopped {
			t.Errorf("at %d s: stopped %t", step.at, seen.stopped)
		}
	}
}

func TestPlace(t *testing.T) {
	ready := func(status metav1.ConditionStatus) []metav1.Condition {
		return []metav1.Condition{{Type: clusterv1alpha1.ClusterConditionReady, Status: status, LastTransitionTime: *metaAt(-5)}}
	}
	taints := []corev1.Taint{{Key: "k", Effect: corev1.TaintEffectNoExecute, TimeAdded: metaAt(0)}}
	for name, c := range map[string]struct {
		change func(*clusterv1alpha1.Cluster)
		want   *place
	}{
		"new":         {func(*clusterv1alpha1.Cluster) {}, &place{name: "a"}},
		"ready":       {func(c *clusterv1alpha1.Cluster) { c.Status.Conditions = ready(metav1.ConditionTrue) }, &place{name: "a", since: at(-5)}},
		"not ready":   {func(c *clusterv1alpha1.Cluster) { c.Status.Conditions = ready(metav1.ConditionFalse) }, &place{name: "a", lost: true, since: at(-5)}},
		"unreachable": {func(c *clusterv1alpha1.Cluster) { c.Status.Conditions = ready(metav1.ConditionUnknown) }, &place{name: "a", lost: true, since: at(-5)}},
		"leaving":     {func(c *clusterv1alpha1.Cluster) { c.DeletionTimestamp = metaAt(0) }, nil},
		"given up": {func(c *clusterv1alpha1.Cluster) {
			c.Annotations = map[string]string{"failover.atoll.dev/confirmed-lost": "true"}
		}, &place{name: "a", confirmed: true}},
		"tainted": {func(c *clusterv1alpha1.Cluster) {
			c.Spec.Taints = append([]corev1.Taint{{Key: "k", Effect: corev1.TaintEffectNoSchedule}}, taints...)
		}, &place{name: "a", taints: taints}},
	} {
		cluster := &clusterv1alpha1.Cluster{ObjectMeta: metav1.ObjectMeta{Name: "a"}}
		before := placeOf(cluster)
		c.change(cluster)
		got := placeOf(cluster)
		if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", c.want) {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
		if differs := got.differs(before); differs == (name == "new") {
			t.Errorf("%s: differs from a new one: %t", name, differs)
		}
	}
}

func TestSettings(t *testing.T) {
	s := Settings{Confirmation: -1}.withDefaults()
	if s.Confirmation != 0 || s.GracePeriod != 10*time.Minute || s.MassLossShare != 0.55 || s.PurgeMode != "Gracefully" {
		t.Errorf("got %+v", s)
	}
}
