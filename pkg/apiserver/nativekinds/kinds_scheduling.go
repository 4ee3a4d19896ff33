package nativekinds

import (
	schedulingv1alpha1 "atoll.dev/atoll/apis/scheduling/v1alpha1"
	"atoll.dev/atoll/apis/scheduling/validation"
)

// atollCategory is the category under which kubectl lists Atoll's own kinds.
const atollCategory = "atoll"

func schedulingKinds() []*kind {
	return []*kind{
		define[schedulingv1alpha1.PlacementReview, schedulingv1alpha1.PlacementReviewList](kind{
			group: schedulingv1alpha1.GroupName, plural: "placementreviews", singular: "placementreview",
			shortNames: []string{"plr"}, categories: []string{atollCategory}, status: true,
			columns: []column{
				text("PHASE", ".status.phase"), number("CLUSTERS", ".status.clusters"),
				text("RESULT", ".status.workloads[*].result"), text("MESSAGE", ".status.message"), age("AGE"),
			},
			validate:       on(validation.PlacementReview),
			validateUpdate: onBoth(validation.PlacementReviewUpdate),
			validateStatus: on(validation.PlacementReviewStatus),
		}),
	}
}
