package apiserver

import (
	"slices"
	"testing"

	api "k8s.io/kubernetes/pkg/apis/core"
)

func TestPairAddresses(t *testing.T) {
	service := func(ip string, ips ...string) *api.Service {
		return &api.Service{Spec: api.ServiceSpec{ClusterIP: ip, ClusterIPs: ips}}
	}
	for _, c := range []struct {
		name     string
		old, new *api.Service
		want     *api.Service
	}{
		{"none is asked for", nil, service(""), service("")},
		{"the older field on creation", nil, service("10.0.0.1"), service("10.0.0.1", "10.0.0.1")},
		{"headless on creation", nil, service("None"), service("None", "None")},
		{"both fields stay as they are", nil, service("10.0.0.1", "10.0.0.1", "fd00::1"), service("10.0.0.1", "10.0.0.1", "fd00::1")},
		{"an update by a client that knows the older field only", service("10.0.0.1", "10.0.0.1"), service("10.0.0.2", "10.0.0.1"), service("10.0.0.2", "10.0.0.2")},
		{"the older field is cleared", service("10.0.0.1", "10.0.0.1"), service("", "10.0.0.1"), service("")},
		{"nothing changes", service("10.0.0.1", "10.0.0.1"), service("10.0.0.1", "10.0.0.1"), service("10.0.0.1", "10.0.0.1")},
	} {
		pairAddresses(c.new, c.old)
		if c.new.Spec.ClusterIP != c.want.Spec.ClusterIP || !slices.Equal(c.new.Spec.ClusterIPs, c.want.Spec.ClusterIPs) {
			t.Errorf("%s: got %q %q, want %q %q", c.name, c.new.Spec.ClusterIP, c.new.Spec.ClusterIPs, c.want.Spec.ClusterIP, c.want.Spec.ClusterIPs)
		}
	}
}
