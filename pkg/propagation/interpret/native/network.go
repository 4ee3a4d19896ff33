package native

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// reflectService records addresses of load balancers and nothing for other Services.
func reflectService(ctx context.Context, observed *unstructured.Unstructured) (*runtime.RawExtension, error) {
	if !isLoadBalancer(observed) {
		return nil, nil
	}
	return reflectFields("loadBalancer")(ctx, observed)
}

// aggregateService gives a load balancer all addresses that it has anywhere.
func aggregateService(ctx context.Context, template *unstructured.Unstructured, items []workv1alpha2.AggregatedStatusItem) (map[string]any, error) {
	if !isLoadBalancer(template) {
		status, _, err := unstructured.NestedMap(template.Object, "status")
		return status, err
	}
	return aggregateIngress(ctx, template, items)
}

// loadBalancerStatus is the status of Services and Ingresses alike.
type loadBalancerStatus struct {
	LoadBalancer struct {
		Ingress []map[string]any `json:"ingress,omitempty"`
	} `json:"loadBalancer,omitempty"`
}

// aggregateIngress unites the addresses: each once, with the ports of all, host names first.
func aggregateIngress(_ context.Context, template *unstructured.Unstructured, items []workv1alpha2.AggregatedStatusItem) (map[string]any, error) {
	members, err := memberStatuses[loadBalancerStatus](items)
	if err != nil {
		return nil, err
	}
	type address struct{ hostname, ip, mode string }
	ports := map[address]map[string]any{}
	for _, m := range members {
		for _, ingress := range m.status.LoadBalancer.Ingress {
			var a address
			a.hostname, _ = ingress["hostname"].(string)
			a.ip, _ = ingress["ip"].(string)
			a.mode, _ = ingress["ipMode"].(string)
			if ports[a] == nil {
				ports[a] = map[string]any{}
			}
			list, _ := ingress["ports"].([]any)
			for _, port := range list {
				key, err := json.Marshal(port) // sorts keys, so equal ports have equal keys
				if err != nil {
					return nil, err
				}
				ports[a][string(key)] = wholeNumbers(port)
			}
		}
	}
	var all []any
	for _, a := range sortedKeys(ports, func(x, y address) int {
		return cmp.Or(absentLast(x.hostname, y.hostname), absentLast(x.ip, y.ip), absentLast(x.mode, y.mode))
	}) {
		ingress := map[string]any{}
		for field, value := range map[string]string{"hostname": a.hostname, "ip": a.ip, "ipMode": a.mode} {
			if value != "" {
				ingress[field] = value
			}
		}
		var list []any
		for _, key := range sortedKeys(ports[a], cmp.Compare[string]) {
			list = append(list, ports[a][key])
		}
		if list != nil {
			ingress["ports"] = list
		}
		all = append(all, ingress)
	}
	loadBalancer := map[string]any{}
	if all != nil {
		loadBalancer["ingress"] = all
	}
	return with(template, &map[string]any{"loadBalancer": loadBalancer}, "loadBalancer")
}

// absentLast orders strings, the empty one after all others.
func absentLast(a, b string) int {
	if (a == "") != (b == "") {
		return cmp.Compare(b, a)
	}
	return cmp.Compare(a, b)
}

func sortedKeys[K comparable, V any](m map[K]V, compare func(K, K) int) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, compare)
	return keys
}

// wholeNumbers turns numbers that the decoder made floats back into what unstructured objects hold.
func wholeNumbers(value any) any {
	fields, ok := value.(map[string]any)
	if !ok {
		return value
	}
	for k, v := range fields {
		if f, ok := v.(float64); ok && f == float64(int64(f)) {
			fields[k] = int64(f)
		}
	}
	return fields
}

func isLoadBalancer(service *unstructured.Unstructured) bool {
	kind, _, _ := unstructured.NestedString(service.Object, "spec", "type")
	return kind == string(corev1.ServiceTypeLoadBalancer)
}
