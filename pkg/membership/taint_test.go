package membership

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestTaintsByCondition(t *testing.T) {
	now := metav1.NewTime(time.Unix(1000, 0))
	taint := func(key string, effect corev1.TaintEffect) corev1.Taint {
		return corev1.Taint{Key: key, Effect: effect}
	}
	notReady := corev1.Taint{Key: "cluster.karmada.io/not-ready", Effect: corev1.TaintEffectNoSchedule, TimeAdded: &now}
	unreachable := corev1.Taint{Key: "cluster.karmada.io/unreachable", Effect: corev1.TaintEffectNoSchedule, TimeAdded: &now}
	users := taint("example.com/mine", corev1.TaintEffectNoSchedule)
	noExecute := taint("cluster.karmada.io/not-ready", corev1.TaintEffectNoExecute)
	earlier := metav1.NewTime(time.Unix(1, 0))
	old := corev1.Taint{Key: notReady.Key, Effect: notReady.Effect, TimeAdded: &earlier}
	for name, c := range map[string]struct {
		have  []corev1.Taint
		ready metav1.ConditionStatus
		want  []corev1.Taint
	}{
		"new cluster":                     {nil, "", []corev1.Taint{notReady}},
		"ready":                           {[]corev1.Taint{old}, metav1.ConditionTrue, nil},
		"not ready":                       {nil, metav1.ConditionFalse, []corev1.Taint{notReady}},
		"still not ready keeps its time":  {[]corev1.Taint{old}, metav1.ConditionFalse, []corev1.Taint{old}},
		"unknown replaces not ready":      {[]corev1.Taint{old}, metav1.ConditionUnknown, []corev1.Taint{unreachable}},
		"not ready replaces unknown":      {[]corev1.Taint{unreachable}, metav1.ConditionFalse, []corev1.Taint{notReady}},
		"others' taints stay":             {[]corev1.Taint{users, old, noExecute}, metav1.ConditionTrue, []corev1.Taint{users, noExecute}},
		"another effect is another taint": {[]corev1.Taint{noExecute}, metav1.ConditionFalse, []corev1.Taint{noExecute, notReady}},
	} {
		if got := taintsByCondition(c.have, c.ready, now); !apiequality.Semantic.DeepEqual(got, c.want) {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
}
