package validation

import (
	"errors"
	"net/url"
	"strings"

	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/karmada-io/karmada/pkg/apis/cluster"
)

const (
	// maxClusterName leaves room for the prefix of the execution namespace in a DNS label.
	maxClusterName = 48
	// maxClusterID is the longest identifier of a cluster, in bytes.
	maxClusterID = 128000
)

// ClusterName returns what is wrong with the name of a Cluster: it becomes part
// of a namespace's name, so it has to be a DNS label of at most 48 characters.
func ClusterName(name string) []string {
	if len(name) > maxClusterName {
		return []string{validation.MaxLenError(maxClusterName) + ", since the name becomes part of the name of a namespace"}
	}
	return validation.IsDNS1123Label(name)
}

// Cluster checks a Cluster but its status.
func Cluster(c *cluster.Cluster) field.ErrorList {
	var errs field.ErrorList
	for _, msg := range ClusterName(c.Name) {
		errs = append(errs, field.Invalid(field.NewPath("metadata", "name"), c.Name, msg))
	}
	errs = append(errs, estimatorAddress(c.Annotations)...)
	s, path := &c.Spec, field.NewPath("spec")
	errs = append(errs, atMost(path.Child("id"), s.ID, maxClusterID)...)
	errs = append(errs, oneOf(path.Child("syncMode"), s.SyncMode, cluster.Push, cluster.Pull)...)
	errs = append(errs, apiEndpoint(path.Child("apiEndpoint"), s.APIEndpoint)...)
	errs = append(errs, secretReference(path.Child("secretRef"), s.SecretRef)...)
	errs = append(errs, secretReference(path.Child("impersonatorSecretRef"), s.ImpersonatorSecretRef)...)
	errs = append(errs, proxyURL(path.Child("proxyURL"), s.ProxyURL)...)
	errs = append(errs, labelValue(path.Child("provider"), s.Provider)...)
	errs = append(errs, labelValue(path.Child("region"), s.Region)...)
	errs = append(errs, labelValue(path.Child("zone"), s.Zone)...)
	for i, zone := range s.Zones {
		errs = append(errs, labelValue(path.Child("zones").Index(i), zone)...)
	}
	if s.Zone != "" && len(s.Zones) > 0 {
		errs = append(errs, field.Forbidden(path.Child("zone"), "cannot be set together with zones; move it there"))
	}
	seen := sets.New[taintID]()
	for i, t := range s.Taints {
		errs = append(errs, taint(path.Child("taints").Index(i), t.Key, t.Value, t.Effect, seen)...)
	}
	return append(errs, resourceModels(path.Child("resourceModels"), s.ResourceModels)...)
}

// ClusterStatus checks the status of a Cluster.
func ClusterStatus(c *cluster.Cluster) field.ErrorList {
	return conditions(field.NewPath("status", "conditions"), c.Status.Conditions)
}

func secretReference(path *field.Path, ref *cluster.LocalSecretReference) field.ErrorList {
	if ref == nil {
		return nil
	}
	errs := required(path.Child("namespace"), ref.Namespace, "must be the namespace of the Secret")
	return append(errs, required(path.Child("name"), ref.Name, "must be the name of the Secret")...)
}

// apiEndpoint checks the URL of a member's API server. Errors do not repeat credentials that it may hold.
func apiEndpoint(path *field.Path, value string) field.ErrorList {
	if value == "" {
		return nil
	}
	u, err := url.Parse(value)
	switch {
	case err != nil:
		return field.ErrorList{field.Invalid(path, "", "must be a URL such as https://10.0.0.1:6443: "+reasonOf(err))}
	case u.Host == "" && u.User == nil:
		return field.ErrorList{field.Invalid(path, value, "must be a URL with a host, such as https://10.0.0.1:6443")}
	case u.User != nil:
		return field.ErrorList{field.Invalid(path, u.Redacted(), "must have no user; credentials belong into the Secret of secretRef")}
	case u.Fragment != "":
		return field.ErrorList{field.Invalid(path, value, "must have no fragment")}
	case u.RawQuery != "":
		return field.ErrorList{field.Invalid(path, "", "must have no query")}
	}
	return nil
}

// reasonOf is the reason of an error of url.Parse without the URL, which may hold credentials.
func reasonOf(err error) string {
	var parse *url.Error
	if errors.As(err, &parse) && !strings.Contains(parse.Err.Error(), "@") {
		return parse.Err.Error()
	}
	return "it cannot be parsed"
}

func proxyURL(path *field.Path, value string) field.ErrorList {
	if value == "" {
		return nil
	}
	const form = "must be a URL such as http://10.0.0.1:3128 with scheme http, https or socks5"
	u, err := url.Parse(value)
	if err != nil {
		return field.ErrorList{field.Invalid(path, "", form+": "+reasonOf(err))}
	}
	switch u.Scheme {
	case "http", "https", "socks5":
	default:
		return field.ErrorList{field.Invalid(path, u.Redacted(), form)}
	}
	return nil
}
