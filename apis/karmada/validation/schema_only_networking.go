package validation

import (
	"regexp"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	networkingv1alpha1 "github.com/karmada-io/karmada/pkg/apis/networking/v1alpha1"
)

// MultiClusterService checks a MultiClusterService but its status.
func MultiClusterService(s *networkingv1alpha1.MultiClusterService) field.ErrorList {
	path := field.NewPath("spec")
	var errs field.ErrorList
	if s.Spec.Types == nil {
		errs = append(errs, field.Required(path.Child("types"), "must be CrossCluster or LoadBalancer"))
	}
	for i, p := range s.Spec.Ports {
		for _, msg := range validation.IsValidPortNum(int(p.Port)) {
			errs = append(errs, field.Invalid(path.Child("ports").Index(i).Child("port"), p.Port, msg))
		}
	}
	errs = append(errs, clusterSelectors(path.Child("providerClusters"), s.Spec.ProviderClusters)...)
	return append(errs, clusterSelectors(path.Child("consumerClusters"), s.Spec.ConsumerClusters)...)
}

func clusterSelectors(path *field.Path, selectors []networkingv1alpha1.ClusterSelector) field.ErrorList {
	var errs field.ErrorList
	for i, s := range selectors {
		errs = append(errs, required(path.Index(i).Child("name"), s.Name, "must be the name of a Cluster")...)
	}
	return errs
}

// MultiClusterServiceStatus checks the status of a MultiClusterService.
func MultiClusterServiceStatus(s *networkingv1alpha1.MultiClusterService) field.ErrorList {
	path := field.NewPath("status")
	errs := conditions(path.Child("conditions"), s.Status.Conditions)
	for i, ingress := range s.Status.LoadBalancer.Ingress {
		for j, p := range ingress.Ports {
			errs = append(errs, portStatus(path.Child("loadBalancer", "ingress").Index(i).Child("ports").Index(j), p.Port, p.Protocol, p.Error)...)
		}
	}
	return errs
}

// MultiClusterIngress checks a MultiClusterIngress but its status.
func MultiClusterIngress(m *networkingv1alpha1.MultiClusterIngress) field.ErrorList {
	path := field.NewPath("spec")
	var errs field.ErrorList
	if m.Spec.DefaultBackend != nil {
		errs = append(errs, ingressBackend(path.Child("defaultBackend"), m.Spec.DefaultBackend)...)
	}
	for i := range m.Spec.Rules {
		http, at := m.Spec.Rules[i].HTTP, path.Child("rules").Index(i).Child("http", "paths")
		if http == nil {
			continue
		}
		if http.Paths == nil {
			errs = append(errs, field.Required(at, "must have the paths that are routed"))
		}
		for j := range http.Paths {
			errs = append(errs, ingressPath(at.Index(j), &http.Paths[j])...)
		}
	}
	return errs
}

func ingressPath(path *field.Path, p *networkingv1.HTTPIngressPath) field.ErrorList {
	var errs field.ErrorList
	if p.PathType == nil || *p.PathType == "" {
		errs = append(errs, field.Required(path.Child("pathType"), "must be Exact, Prefix or ImplementationSpecific"))
	}
	if p.Backend.Service == nil && p.Backend.Resource == nil {
		errs = append(errs, field.Required(path.Child("backend"), "must have service or resource"))
	}
	return append(errs, ingressBackend(path.Child("backend"), &p.Backend)...)
}

func ingressBackend(path *field.Path, b *networkingv1.IngressBackend) field.ErrorList {
	var errs field.ErrorList
	if b.Service != nil {
		errs = append(errs, required(path.Child("service", "name"), b.Service.Name, "must be the name of a Service")...)
	}
	if b.Resource != nil {
		errs = append(errs, required(path.Child("resource", "kind"), b.Resource.Kind, "must be the kind of the backend")...)
		errs = append(errs, required(path.Child("resource", "name"), b.Resource.Name, "must be the name of the backend")...)
	}
	return errs
}

// MultiClusterIngressStatus checks the status of a MultiClusterIngress.
func MultiClusterIngressStatus(m *networkingv1alpha1.MultiClusterIngress) field.ErrorList {
	path := field.NewPath("status")
	var errs field.ErrorList
	for i, ingress := range m.Status.LoadBalancer.Ingress {
		for j, p := range ingress.Ports {
			errs = append(errs, portStatus(path.Child("loadBalancer", "ingress").Index(i).Child("ports").Index(j), p.Port, p.Protocol, p.Error)...)
		}
	}
	for i, l := range m.Status.ServiceLocations {
		errs = append(errs, required(path.Child("serviceLocations").Index(i).Child("name"), l.Name, "must be the name of a Service")...)
	}
	return errs
}

// portErrorPattern and maxPortError are what the schema says of the error of a port.
var portErrorPattern = regexp.MustCompile(`^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$`)

const maxPortError = 316

func portStatus(path *field.Path, port int32, protocol corev1.Protocol, portError *string) field.ErrorList {
	var errs field.ErrorList
	for _, msg := range validation.IsValidPortNum(int(port)) {
		errs = append(errs, field.Invalid(path.Child("port"), port, msg))
	}
	errs = append(errs, required(path.Child("protocol"), protocol, "must be TCP, UDP or SCTP")...)
	if portError == nil {
		return append(errs, field.Required(path.Child("error"), "must be a reason in CamelCase"))
	}
	errs = append(errs, atMost(path.Child("error"), *portError, maxPortError)...)
	if !portErrorPattern.MatchString(*portError) {
		errs = append(errs, field.Invalid(path.Child("error"), *portError, "must match "+portErrorPattern.String()))
	}
	return errs
}
