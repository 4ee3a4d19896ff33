package nativekinds

import (
	appsv1alpha1 "github.com/karmada-io/karmada/pkg/apis/apps/v1alpha1"
	remedyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/remedy/v1alpha1"

	"atoll.dev/atoll/apis/karmada/validation"
)

func appsKinds() []*kind {
	return []*kind{
		define[appsv1alpha1.WorkloadRebalancer, appsv1alpha1.WorkloadRebalancerList](kind{
			group: appsv1alpha1.GroupName, plural: "workloadrebalancers", singular: "workloadrebalancer",
			status:   true,
			validate: on(validation.WorkloadRebalancer), validateStatus: on(validation.WorkloadRebalancerStatus),
		}),
	}
}

func remedyKinds() []*kind {
	return []*kind{
		define[remedyv1alpha1.Remedy, remedyv1alpha1.RemedyList](kind{
			group: remedyv1alpha1.GroupName, plural: "remedies", singular: "remedy",
			categories: []string{karmadaCategory},
			validate:   on(validation.Remedy),
		}),
	}
}
