package karmada

import (
	"k8s.io/apimachinery/pkg/conversion"
	"k8s.io/apimachinery/pkg/runtime"

	workv1alpha1 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
)

// addBindingConversions registers the conversions between the bindings of
// work/v1alpha1 and those of v1alpha2, which are stored and held in memory.
// Conversion to v1alpha1 drops what v1alpha1 cannot express; KeepSpec and
// KeepStatus put it back when such a view is written.
func addBindingConversions(scheme *runtime.Scheme) error {
	for _, add := range []error{
		addConversion(scheme, func(in *workv1alpha1.ResourceBinding, out *workv1alpha2.ResourceBinding) error {
			return in.ConvertTo(out)
		}),
		addConversion(scheme, func(in *workv1alpha2.ResourceBinding, out *workv1alpha1.ResourceBinding) error {
			return out.ConvertFrom(in)
		}),
		addConversion(scheme, func(in *workv1alpha1.ClusterResourceBinding, out *workv1alpha2.ClusterResourceBinding) error {
			return in.ConvertTo(out)
		}),
		addConversion(scheme, func(in *workv1alpha2.ClusterResourceBinding, out *workv1alpha1.ClusterResourceBinding) error {
			return out.ConvertFrom(in)
		}),
		addConversion(scheme, func(in *workv1alpha1.ResourceBindingList, out *workv1alpha2.ResourceBindingList) error {
			out.ListMeta = in.ListMeta
			return convertItems(in.Items, &out.Items, func(in *workv1alpha1.ResourceBinding, out *workv1alpha2.ResourceBinding) error {
				return in.ConvertTo(out)
			})
		}),
		addConversion(scheme, func(in *workv1alpha2.ResourceBindingList, out *workv1alpha1.ResourceBindingList) error {
			out.ListMeta = in.ListMeta
			return convertItems(in.Items, &out.Items, func(in *workv1alpha2.ResourceBinding, out *workv1alpha1.ResourceBinding) error {
				return out.ConvertFrom(in)
			})
		}),
		addConversion(scheme, func(in *workv1alpha1.ClusterResourceBindingList, out *workv1alpha2.ClusterResourceBindingList) error {
			out.ListMeta = in.ListMeta
			return convertItems(in.Items, &out.Items, func(in *workv1alpha1.ClusterResourceBinding, out *workv1alpha2.ClusterResourceBinding) error {
				return in.ConvertTo(out)
			})
		}),
		addConversion(scheme, func(in *workv1alpha2.ClusterResourceBindingList, out *workv1alpha1.ClusterResourceBindingList) error {
			out.ListMeta = in.ListMeta
			return convertItems(in.Items, &out.Items, func(in *workv1alpha2.ClusterResourceBinding, out *workv1alpha1.ClusterResourceBinding) error {
				return out.ConvertFrom(in)
			})
		}),
	} {
		if add != nil {
			return add
		}
	}
	return nil
}

// addConversion registers one direction of a conversion under the types of its function.
func addConversion[In, Out any](scheme *runtime.Scheme, convert func(in *In, out *Out) error) error {
	return scheme.AddConversionFunc((*In)(nil), (*Out)(nil), func(a, b any, _ conversion.Scope) error {
		return convert(a.(*In), b.(*Out))
	})
}

func convertItems[In, Out any](in []In, out *[]Out, convert func(in *In, out *Out) error) error {
	if in == nil {
		*out = nil
		return nil
	}
	*out = make([]Out, len(in))
	for i := range in {
		if err := convert(&in[i], &(*out)[i]); err != nil {
			return err
		}
	}
	return nil
}

// KeepSpec completes the specification of a binding that was written through
// work/v1alpha1: what v1alpha1 cannot express is taken over from the stored
// binding, so that an old client changes only what it sees.
func KeepSpec(spec, old *workv1alpha2.ResourceBindingSpec) {
	written := *spec
	*spec = *old.DeepCopy()
	uid := spec.Resource.UID
	spec.Resource = written.Resource
	if sameTemplate(&written.Resource, &old.Resource) {
		spec.Resource.UID = uid
	}
	spec.Replicas = written.Replicas
	spec.Clusters = written.Clusters
	switch {
	case written.ReplicaRequirements == nil && spec.ReplicaRequirements != nil:
		spec.ReplicaRequirements.ResourceRequest = nil
	case written.ReplicaRequirements != nil && spec.ReplicaRequirements != nil:
		spec.ReplicaRequirements.ResourceRequest = written.ReplicaRequirements.ResourceRequest
	default:
		spec.ReplicaRequirements = written.ReplicaRequirements
	}
}

// KeepStatus is KeepSpec for the status.
func KeepStatus(status, old *workv1alpha2.ResourceBindingStatus) {
	written := *status
	*status = *old.DeepCopy()
	healthIn := make(map[string]workv1alpha2.ResourceHealth, len(old.AggregatedStatus))
	for i := range old.AggregatedStatus {
		healthIn[old.AggregatedStatus[i].ClusterName] = old.AggregatedStatus[i].Health
	}
	status.Conditions = written.Conditions
	status.AggregatedStatus = written.AggregatedStatus
	for i := range status.AggregatedStatus {
		status.AggregatedStatus[i].Health = healthIn[status.AggregatedStatus[i].ClusterName]
	}
}

func sameTemplate(a, b *workv1alpha2.ObjectReference) bool {
	return a.APIVersion == b.APIVersion && a.Kind == b.Kind && a.Namespace == b.Namespace && a.Name == b.Name
}
