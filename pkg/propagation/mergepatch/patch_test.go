package mergepatch

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func configMap(change func(*corev1.ConfigMap)) *corev1.ConfigMap {
	cm := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: "a", UID: "u", ResourceVersion: "7", Labels: map[string]string{"l": "1"}},
		Data:       map[string]string{"k": "v", "gone": "v"},
	}
	if change != nil {
		change(cm)
	}
	return cm
}

func TestBetween(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*corev1.ConfigMap)
		lock   bool
		want   string
	}{
		"nothing":         {nil, true, ""},
		"changed":         {func(c *corev1.ConfigMap) { c.Data["k"] = "w"; delete(c.Data, "gone") }, false, `{"data":{"gone":null,"k":"w"},"metadata":{"uid":"u"}}`},
		"metadata":        {func(c *corev1.ConfigMap) { c.Labels["m"] = "2" }, false, `{"metadata":{"labels":{"m":"2"},"uid":"u"}}`},
		"at this version": {func(c *corev1.ConfigMap) { c.Finalizers = []string{"f"} }, true, `{"metadata":{"finalizers":["f"],"resourceVersion":"7","uid":"u"}}`},
	} {
		got, err := Between(configMap(nil), configMap(c.change), c.lock)
		if err != nil || string(got) != c.want {
			t.Errorf("%s: %s, %v, want %s", name, got, err, c.want)
		}
	}
}
