package placement

import (
	"reflect"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"atoll.dev/atoll/apis/scheduling/v1alpha1"
)

func TestChanges(t *testing.T) {
	type changes = []v1alpha1.ClusterChange
	for _, c := range []struct {
		settings, failed string
		want             changes
		refusal          string
	}{
		{"", "", nil, ""},
		{"m1.labels.zone=a", "", changes{{Name: "m1", Labels: map[string]string{"zone": "a"}}}, ""},
		{"m1.labels.example.org/tier=a=b m1.labels.old-", "", changes{{Name: "m1", Labels: map[string]string{"example.org/tier": "a=b"}, RemoveLabels: []string{"old"}}}, ""},
		{"m1.region=eu m2.provider= m1.zones=a,b", "", changes{{Name: "m1", Region: ptr.To("eu"), Zones: []string{"a", "b"}}, {Name: "m2", Provider: ptr.To("")}}, ""},
		{"m1.taints=gpu=true:NoSchedule,b:NoExecute", "", changes{{Name: "m1", Taints: []corev1.Taint{
			{Key: "gpu", Value: "true", Effect: corev1.TaintEffectNoSchedule}, {Key: "b", Effect: corev1.TaintEffectNoExecute}}}}, ""},
		{"m1.taints=", "", changes{{Name: "m1", Taints: []corev1.Taint{}}}, ""},
		{"", "m1 m2", changes{{Name: "m1", Fail: true}, {Name: "m2", Fail: true}}, ""},
		{"m1.region=eu", "m1", nil, "--fail m1: there is a --set-cluster for the same cluster"},
		{"m1", "", nil, "--set-cluster m1: want CLUSTER.FIELD=VALUE"},
		{"m1.size=3", "", nil, `"size" is no field that can be set`},
		{"m1.region", "", nil, `"region" has no value`},
		{"m1.labels.zone", "", nil, "labels.KEY- to remove"},
		{"m1.taints=gpu", "", nil, `taint "gpu": want KEY=VALUE:EFFECT`},
	} {
		got, err := Changes(strings.Fields(c.settings), strings.Fields(c.failed))
		switch {
		case c.refusal != "":
			if err == nil || !strings.Contains(err.Error(), c.refusal) {
				t.Errorf("%s %s: error %v, want %q", c.settings, c.failed, err, c.refusal)
			}
		case err != nil:
			t.Errorf("%s %s: %v", c.settings, c.failed, err)
		case !reflect.DeepEqual(got.Clusters, c.want):
			t.Errorf("%s %s: %+v, want %+v", c.settings, c.failed, got.Clusters, c.want)
		}
	}
}
