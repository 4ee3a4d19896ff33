package nodeports

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/sets"
	api "k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/utils/ptr"
)

func service(kind api.ServiceType, ports ...api.ServicePort) *api.Service {
	return &api.Service{Spec: api.ServiceSpec{Type: kind, Ports: ports}}
}

func port(name string, protocol api.Protocol, number, nodePort int32) api.ServicePort {
	return api.ServicePort{Name: name, Protocol: protocol, Port: number, NodePort: nodePort}
}

// allBut is every port of the range but some.
func allBut(free ...int32) sets.Set[int32] {
	used := sets.New[int32]()
	for i := range int32(Count) {
		used.Insert(First + i)
	}
	return used.Delete(free...)
}

func TestChoose(t *testing.T) {
	withoutPorts := service(api.ServiceTypeLoadBalancer, port("web", api.ProtocolTCP, 80, 0))
	withoutPorts.Spec.AllocateLoadBalancerNodePorts = ptr.To(false)
	for _, test := range []struct {
		name    string
		service *api.Service
		used    sets.Set[int32]
		want    []int32
		err     string
	}{
		{"the last free one", service(api.ServiceTypeNodePort, port("web", api.ProtocolTCP, 80, 0)), allBut(30777), []int32{30777}, ""},
		{"the range's first", service(api.ServiceTypeLoadBalancer, port("web", api.ProtocolTCP, 80, 0)), allBut(First), []int32{First}, ""},
		{"the range's last", service(api.ServiceTypeNodePort, port("web", api.ProtocolTCP, 80, 0)), allBut(32767), []int32{32767}, ""},
		{"what is written stays, though used", service(api.ServiceTypeNodePort, port("web", api.ProtocolTCP, 80, 31000)), allBut(), []int32{31000}, ""},
		{"not what another port of it has written", service(api.ServiceTypeNodePort, port("a", api.ProtocolTCP, 80, 31000), port("b", api.ProtocolTCP, 81, 0)), allBut(31000, 31001), []int32{31000, 31001}, ""},
		{"one number for both protocols", service(api.ServiceTypeNodePort, port("tcp", api.ProtocolTCP, 53, 0), port("udp", api.ProtocolUDP, 53, 0)), allBut(31000), []int32{31000, 31000}, ""},
		{"none left", service(api.ServiceTypeNodePort, port("web", api.ProtocolTCP, 80, 0)), allBut(), nil, "spec.ports[].nodePort"},
		{"no node ports", service(api.ServiceTypeClusterIP, port("web", api.ProtocolTCP, 80, 0)), allBut(), []int32{0}, ""},
		{"no node ports asked for", withoutPorts, allBut(), []int32{0}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := test.used.Len()
			err := Choose(test.service, test.used)
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Fatalf("error %v, want one with %q", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range test.want {
				if got := test.service.Spec.Ports[i].NodePort; got != want {
					t.Errorf("port %d has node port %d, want %d", i, got, want)
				}
			}
			if test.used.Len() != before {
				t.Error("the caller's set was changed")
			}
		})
	}
}

func TestKeep(t *testing.T) {
	old := service(api.ServiceTypeNodePort, port("a", api.ProtocolTCP, 80, 31000), port("b", api.ProtocolTCP, 81, 31001))
	for _, test := range []struct {
		name string
		now  *api.Service
		want []int32
	}{
		{"written again without", service(api.ServiceTypeNodePort, port("a", api.ProtocolTCP, 80, 0), port("b", api.ProtocolTCP, 8081, 0)), []int32{31000, 31001}},
		{"written anew", service(api.ServiceTypeNodePort, port("a", api.ProtocolTCP, 80, 32000)), []int32{32000}},
		{"given to another port", service(api.ServiceTypeNodePort, port("a", api.ProtocolTCP, 80, 0), port("b", api.ProtocolTCP, 81, 31000)), []int32{0, 31000}},
		{"a new port", service(api.ServiceTypeNodePort, port("c", api.ProtocolTCP, 82, 0)), []int32{0}},
		{"no node ports any more", service(api.ServiceTypeClusterIP, port("a", api.ProtocolTCP, 80, 0)), []int32{0}},
	} {
		t.Run(test.name, func(t *testing.T) {
			Keep(test.now, old)
			for i, want := range test.want {
				if got := test.now.Spec.Ports[i].NodePort; got != want {
					t.Errorf("port %d has node port %d, want %d", i, got, want)
				}
			}
		})
	}
	fresh := service(api.ServiceTypeNodePort, port("a", api.ProtocolTCP, 80, 0))
	if Keep(fresh, nil); !Open(fresh) {
		t.Error("a new Service has its port settled by nothing")
	}
}
