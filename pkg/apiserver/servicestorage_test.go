package apiserver

import (
	"slices"
	"testing"

	api "k8s.io/kubernetes/pkg/apis/core"
)

func TestCompleteClusterIPs(t *testing.T) {
	service := func(ip string, ips ...string) *api.Service {
		return &api.Service{Spec: api.ServiceSpec{ClusterIP: ip, ClusterIPs: ips}}
	}
	for _, test := range []struct {
		name     string
		now, old *api.Service
		want     []string
	}{
		{"new, without", service(""), service(""), nil},
		{"new, the older field only", service("10.0.0.1"), service(""), []string{"10.0.0.1"}},
		{"new, headless", service("None"), service(""), []string{"None"}},
		{"new, both", service("10.0.0.1", "10.0.0.1", "fd00::1"), service(""), []string{"10.0.0.1", "fd00::1"}},
		{"unchanged", service("10.0.0.1", "10.0.0.1"), service("10.0.0.1", "10.0.0.1"), []string{"10.0.0.1"}},
		{"written again with the older field only", service("10.0.0.1"), service("10.0.0.1", "10.0.0.1", "fd00::1"), []string{"10.0.0.1", "fd00::1"}},
		{"the older field patched", service("10.0.0.2", "10.0.0.1"), service("10.0.0.1", "10.0.0.1"), []string{"10.0.0.2"}},
		{"the older field cleared", service("", "10.0.0.1"), service("10.0.0.1", "10.0.0.1"), nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			completeClusterIPs(test.now, test.old)
			if got := test.now.Spec.ClusterIPs; !slices.Equal(got, test.want) {
				t.Errorf("clusterIPs %v, want %v", got, test.want)
			}
		})
	}
}
