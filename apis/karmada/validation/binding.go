package validation

import (
	"encoding/json"

	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"

	configv1alpha1 "github.com/karmada-io/karmada/pkg/apis/config/v1alpha1"
	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/apis/karmada/wellknown"
)

// Limits on the strings of a binding, in bytes.
const (
	maxComponentName   = 32
	maxEvictionReason  = 32
	maxEvictionMessage = 1024
)

// ResourceBinding checks a ResourceBinding but its status.
func ResourceBinding(b *workv1alpha2.ResourceBinding) field.ErrorList { return bindingSpec(&b.Spec) }

// ClusterResourceBinding checks a ClusterResourceBinding but its status.
func ClusterResourceBinding(b *workv1alpha2.ClusterResourceBinding) field.ErrorList {
	return bindingSpec(&b.Spec)
}

// ResourceBindingStatus checks the status of a ResourceBinding.
func ResourceBindingStatus(b *workv1alpha2.ResourceBinding) field.ErrorList {
	return bindingStatus(&b.Status)
}

// ClusterResourceBindingStatus checks the status of a ClusterResourceBinding.
func ClusterResourceBindingStatus(b *workv1alpha2.ClusterResourceBinding) field.ErrorList {
	return bindingStatus(&b.Status)
}

// BindingAnnotations checks the annotations of a binding of either kind.
func BindingAnnotations(annotations map[string]string) field.ErrorList {
	value, ok := annotations[wellknown.DependenciesAnnotation]
	if !ok {
		return nil
	}
	var dependencies []configv1alpha1.DependentObjectReference
	if err := json.Unmarshal([]byte(value), &dependencies); err != nil {
		return field.ErrorList{field.Invalid(field.NewPath("metadata", "annotations").Key(wellknown.DependenciesAnnotation), value,
			"must be a JSON list of references to the dependencies: "+err.Error())}
	}
	return nil
}

func bindingSpec(s *workv1alpha2.ResourceBindingSpec) field.ErrorList {
	path := field.NewPath("spec")
	errs := apiVersion(path.Child("resource", "apiVersion"), s.Resource.APIVersion)
	errs = append(errs, required(path.Child("resource", "kind"), s.Resource.Kind, "must be the kind of the bound resource")...)
	errs = append(errs, required(path.Child("resource", "name"), s.Resource.Name, "must be the name of the bound resource")...)
	errs = append(errs, notNegative(path.Child("replicas"), s.Replicas)...)
	errs = append(errs, targetClusters(path.Child("clusters"), s.Clusters)...)
	if s.ReplicaRequirements != nil {
		errs = append(errs, nodeClaim(path.Child("replicaRequirements", "nodeClaim"), s.ReplicaRequirements.NodeClaim)...)
	}
	errs = append(errs, components(path.Child("components"), s.Components)...)
	errs = append(errs, placement(path.Child("placement"), s.Placement)...)
	errs = append(errs, evictionTasks(path.Child("gracefulEvictionTasks"), s.GracefulEvictionTasks)...)
	for i, r := range s.RequiredBy {
		at := path.Child("requiredBy").Index(i)
		errs = append(errs, required(at.Child("name"), r.Name, "must be the name of the binding that requires this one")...)
		errs = append(errs, targetClusters(at.Child("clusters"), r.Clusters)...)
	}
	errs = append(errs, failover(path.Child("failover"), s.Failover)...)
	errs = append(errs, emptyOrOneOf(path.Child("conflictResolution"), s.ConflictResolution, policyv1alpha1.ConflictAbort, policyv1alpha1.ConflictOverwrite)...)
	if s.Suspension != nil {
		errs = append(errs, suspension(path.Child("suspension"), &s.Suspension.Suspension)...)
	}
	return errs
}

func targetClusters(path *field.Path, clusters []workv1alpha2.TargetCluster) field.ErrorList {
	var errs field.ErrorList
	for i, c := range clusters {
		errs = append(errs, required(path.Index(i).Child("name"), c.Name, "must be the name of a Cluster")...)
		errs = append(errs, notNegative(path.Index(i).Child("replicas"), c.Replicas)...)
	}
	return errs
}

func components(path *field.Path, components []workv1alpha2.Component) field.ErrorList {
	var errs field.ErrorList
	names := sets.New[string]()
	for i := range components {
		c, at := &components[i], path.Index(i)
		errs = append(errs, required(at.Child("name"), c.Name, "must name the component")...)
		errs = append(errs, atMost(at.Child("name"), c.Name, maxComponentName)...)
		if names.Has(c.Name) {
			errs = append(errs, field.Duplicate(at.Child("name"), c.Name))
		}
		names.Insert(c.Name)
		errs = append(errs, notNegative(at.Child("replicas"), c.Replicas)...)
		if c.ReplicaRequirements != nil {
			errs = append(errs, nodeClaim(at.Child("replicaRequirements", "nodeClaim"), c.ReplicaRequirements.NodeClaim)...)
		}
	}
	return errs
}

func nodeClaim(path *field.Path, claim *workv1alpha2.NodeClaim) field.ErrorList {
	if claim == nil || claim.HardNodeAffinity == nil {
		return nil
	}
	path = path.Child("hardNodeAffinity", "nodeSelectorTerms")
	var errs field.ErrorList
	if claim.HardNodeAffinity.NodeSelectorTerms == nil {
		errs = append(errs, field.Required(path, "must have the terms that a node has to match"))
	}
	for i, term := range claim.HardNodeAffinity.NodeSelectorTerms {
		for j, e := range term.MatchExpressions {
			errs = append(errs, nodeRequirement(path.Index(i).Child("matchExpressions").Index(j), e.Key, string(e.Operator))...)
		}
		for j, e := range term.MatchFields {
			errs = append(errs, nodeRequirement(path.Index(i).Child("matchFields").Index(j), e.Key, string(e.Operator))...)
		}
	}
	return errs
}

func nodeRequirement(path *field.Path, key, operator string) field.ErrorList {
	return append(required(path.Child("key"), key, "must be what is compared"), required(path.Child("operator"), operator, "must say how it is compared")...)
}

func evictionTasks(path *field.Path, tasks []workv1alpha2.GracefulEvictionTask) field.ErrorList {
	var errs field.ErrorList
	for i := range tasks {
		t, at := &tasks[i], path.Index(i)
		errs = append(errs, required(at.Child("fromCluster"), t.FromCluster, "must be the name of the Cluster that is left")...)
		errs = append(errs, emptyOrOneOf(at.Child("purgeMode"), t.PurgeMode, purgeModes...)...)
		errs = append(errs, reason(at.Child("reason"), t.Reason, maxEvictionReason)...)
		errs = append(errs, atMost(at.Child("message"), t.Message, maxEvictionMessage)...)
		errs = append(errs, required(at.Child("producer"), t.Producer, "must name who evicts")...)
	}
	return errs
}

func bindingStatus(s *workv1alpha2.ResourceBindingStatus) field.ErrorList {
	path := field.NewPath("status")
	errs := conditions(path.Child("conditions"), s.Conditions)
	for i := range s.AggregatedStatus {
		item, at := &s.AggregatedStatus[i], path.Child("aggregatedStatus").Index(i)
		errs = append(errs, required(at.Child("clusterName"), item.ClusterName, "must be the name of a Cluster")...)
		errs = append(errs, emptyOrOneOf(at.Child("health"), item.Health, workv1alpha2.ResourceHealthy, workv1alpha2.ResourceUnhealthy, workv1alpha2.ResourceUnknown)...)
	}
	return errs
}
