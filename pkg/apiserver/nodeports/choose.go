package nodeports

import (
	"fmt"
	"math/rand/v2"

	"k8s.io/apimachinery/pkg/util/sets"
	api "k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/utils/ptr"
)

// First and Count are the range that Kubernetes allocates from by default.
const (
	First = 30000
	Count = 2768
)

// Keep carries over the ports that were settled before to a Service that is
// written again without them. old is nil when the Service is new.
func Keep(service, old *api.Service) {
	if old == nil || !wanted(service) || !wanted(old) {
		return
	}
	written := Of(service)
	for i := range service.Spec.Ports {
		port := &service.Spec.Ports[i]
		for _, was := range old.Spec.Ports {
			if port.NodePort == 0 && was.Name == port.Name && !written.Has(was.NodePort) {
				port.NodePort = was.NodePort
			}
		}
	}
}

// Open tells whether a Service leaves a node port open.
func Open(service *api.Service) bool {
	if !wanted(service) {
		return false
	}
	for _, port := range service.Spec.Ports {
		if port.NodePort == 0 {
			return true
		}
	}
	return false
}

// Choose fills the ports left open with random ones that no Service uses. Ports
// of one number that differ in protocol share it, as in Kubernetes.
func Choose(service *api.Service, used sets.Set[int32]) error {
	if !wanted(service) {
		return nil
	}
	used = used.Union(Of(service))
	byNumber := map[int32]api.ServicePort{}
	for i := range service.Spec.Ports {
		port := &service.Spec.Ports[i]
		if port.NodePort != 0 {
			continue
		}
		if same, ok := byNumber[port.Port]; ok && same.Protocol != port.Protocol {
			port.NodePort = same.NodePort
			continue
		}
		chosen, err := free(used)
		if err != nil {
			return err
		}
		port.NodePort = chosen
		used.Insert(chosen)
		byNumber[port.Port] = *port
	}
	return nil
}

// Of are the node ports of a Service.
func Of(service *api.Service) sets.Set[int32] {
	ports := sets.New[int32]()
	for _, port := range service.Spec.Ports {
		if port.NodePort != 0 {
			ports.Insert(port.NodePort)
		}
	}
	return ports
}

// wanted tells whether a Service has node ports at all.
func wanted(service *api.Service) bool {
	switch service.Spec.Type {
	case api.ServiceTypeNodePort:
		return true
	case api.ServiceTypeLoadBalancer:
		return ptr.Deref(service.Spec.AllocateLoadBalancerNodePorts, true)
	}
	return false
}

func free(used sets.Set[int32]) (int32, error) {
	start := rand.Int32N(Count)
	for i := range int32(Count) {
		if port := First + (start+i)%Count; !used.Has(port) {
			return port, nil
		}
	}
	return 0, fmt.Errorf("all node ports from %d to %d are taken by Services: write spec.ports[].nodePort, which may repeat one that goes to other members", First, First+Count-1)
}
