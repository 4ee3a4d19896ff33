package footprint

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// object is a JSON object; what is not there reads as empty.
type object map[string]any

func (o object) object(field string) object {
	m, _ := o[field].(map[string]any)
	return m
}

func (o object) text(field string) string {
	s, _ := o[field].(string)
	return s
}

func (o object) flag(field string) bool {
	b, _ := o[field].(bool)
	return b
}

func (o object) number(field string) int64 {
	switch n := o[field].(type) {
	case int64:
		return n
	case float64:
		return int64(n)
	}
	return 0
}

func (o object) list(field string) []object {
	raw, _ := o[field].([]any)
	out := make([]object, 0, len(raw))
	for _, e := range raw {
		if m, ok := e.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

// podSpec returns the spec of the pods that the template leads to, nil if it leads
// to none. It goes by shape: what has containers where the built-in workloads have
// them is a workload, whatever its kind.
func podSpec(template *unstructured.Unstructured) object {
	spec := object(template.Object).object("spec")
	if template.GetKind() == "Pod" && template.GetAPIVersion() == "v1" {
		return spec
	}
	for _, pod := range []object{
		spec.object("template").object("spec"),
		spec.object("jobTemplate").object("spec").object("template").object("spec"),
	} {
		if len(pod.list("containers")) > 0 {
			return pod
		}
	}
	return nil
}

// PortsOf returns the fixed ports that the template takes of a member's nodes.
func PortsOf(template *unstructured.Unstructured) []Port {
	if template.GetKind() == "Service" && template.GetAPIVersion() == "v1" {
		return servicePorts(object(template.Object).object("spec"))
	}
	return hostPorts(podSpec(template))
}

func servicePorts(spec object) []Port {
	switch corev1.ServiceType(spec.text("type")) {
	case corev1.ServiceTypeNodePort, corev1.ServiceTypeLoadBalancer:
	default:
		return nil
	}
	var ports []Port
	for _, port := range spec.list("ports") {
		if p, ok := newPort(NodePort, port.text("protocol"), port.number("nodePort"), ""); ok {
			ports = append(ports, p)
		}
	}
	if p, ok := newPort(NodePort, "TCP", spec.number("healthCheckNodePort"), ""); ok {
		ports = append(ports, p)
	}
	return ports
}

// hostPorts are those that the kube-scheduler compares: of containers that run all the time.
func hostPorts(pod object) []Port {
	containers := pod.list("containers")
	for _, c := range pod.list("initContainers") {
		if c.text("restartPolicy") == string(corev1.ContainerRestartPolicyAlways) {
			containers = append(containers, c)
		}
	}
	var ports []Port
	for _, c := range containers {
		for _, port := range c.list("ports") {
			number := port.number("hostPort")
			if number == 0 && pod.flag("hostNetwork") {
				number = port.number("containerPort")
			}
			if p, ok := newPort(HostPort, port.text("protocol"), number, port.text("hostIP")); ok {
				ports = append(ports, p)
			}
		}
	}
	return ports
}

// ClaimsOf returns the names, or beginnings of names, of the claims in the
// template's namespace whose volumes its pods use. A PersistentVolumeClaim is its own.
func ClaimsOf(template *unstructured.Unstructured) []string {
	if template.GetKind() == "PersistentVolumeClaim" && template.GetAPIVersion() == "v1" {
		return []string{template.GetName()}
	}
	var claims []string
	for _, volume := range podSpec(template).list("volumes") {
		if name := volume.object("persistentVolumeClaim").text("claimName"); name != "" {
			claims = append(claims, name)
		}
	}
	for _, claim := range object(template.Object).object("spec").list("volumeClaimTemplates") {
		if name := claim.object("metadata").text("name"); name != "" {
			claims = append(claims, name+"-"+template.GetName()+"-")
		}
	}
	return claims
}
