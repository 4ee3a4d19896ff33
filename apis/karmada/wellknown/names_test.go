package wellknown

import "testing"

// The wants were printed by Karmada v1.18.1's names.GenerateWorkName and GenerateBindingName.
func TestNamesAreKarmadas(t *testing.T) {
	for _, c := range []struct{ kind, name, namespace, work, binding string }{
		{"Deployment", "nginx", "default", "nginx-687f7fb96f", "nginx-deployment"},
		{"ClusterRole", "system:Admin", "", "system.admin-7c7568b598", "system.admin-clusterrole"},
		{"ConfigMap", "a.b", "kube-x", "a.b-6d5c768dcd", "a.b-configmap"},
	} {
		if got := WorkName(c.kind, c.name, c.namespace); got != c.work {
			t.Errorf("WorkName(%s,%s,%s) = %s, want %s", c.kind, c.name, c.namespace, got, c.work)
		}
		if got := BindingName(c.kind, c.name); got != c.binding {
			t.Errorf("BindingName(%s,%s) = %s, want %s", c.kind, c.name, got, c.binding)
		}
	}
}

// The wants were printed by Karmada v1.18.1's names.GenerateBindingReferenceKey.
func TestReferenceKeysAreKarmadas(t *testing.T) {
	for want, c := range map[string]struct{ namespace, name string }{
		"5bdc5c4dcf": {"default", "nginx-deployment"},
		"8689886bf9": {"", "x"},
	} {
		if got := BindingReferenceKey(c.namespace, c.name); got != want {
			t.Errorf("BindingReferenceKey(%q, %q) = %s, want %s", c.namespace, c.name, got, want)
		}
	}
}
