package decision

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
)

// Decision is what a scheduler decided about a binding. Fields that are not set
// leave the binding as it is.
//
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object
type Decision struct {
	metav1.TypeMeta `json:",inline"`

	// basis is the binding that was decided about. If it is no longer so, the decision is refused with a conflict.
	Basis Basis `json:"basis"`

	// placement is where the workload goes.
	// +optional
	Placement *Placement `json:"placement,omitempty"`

	// annotations to set on the binding. Their keys are policy.karmada.io/applied-placement
	// or begin with scheduler.atoll.dev/.
	// +optional
	Annotations map[string]string `json:"annotations,omitempty"`

	// condition is the condition Scheduled.
	// +optional
	Condition *metav1.Condition `json:"condition,omitempty"`

	// observed sets status.schedulerObservedGeneration to the generation that the
	// binding has once the decision is applied.
	// +optional
	Observed bool `json:"observed,omitempty"`

	// affinityName becomes status.schedulerObservingAffinityName.
	// +optional
	AffinityName string `json:"affinityName,omitempty"`

	// scheduledTime becomes status.lastScheduledTime.
	// +optional
	ScheduledTime *metav1.Time `json:"scheduledTime,omitempty"`

	// outcome is what became of the binding: the API server's answer.
	// +optional
	Outcome *Outcome `json:"outcome,omitempty"`
}

// Basis is all of a binding that a decision rests on and that somebody else may have
// changed: its spec, by its generation, and the last decision, by its time. That the
// status of the workload moved on meanwhile is no conflict.
type Basis struct {
	// uid is metadata.uid.
	UID types.UID `json:"uid"`

	// generation is metadata.generation.
	Generation int64 `json:"generation"`

	// lastScheduledTime is status.lastScheduledTime, to the second.
	// +optional
	LastScheduledTime *metav1.Time `json:"lastScheduledTime,omitempty"`
}

// Placement is where a workload goes.
type Placement struct {
	// clusters become spec.clusters; none takes the workload from everywhere.
	// +optional
	// +listType=map
	// +listMapKey=name
	Clusters []workv1alpha2.TargetCluster `json:"clusters,omitempty"`
}

// Outcome is the binding's metadata after a decision was applied.
type Outcome struct {
	// resourceVersion is metadata.resourceVersion.
	ResourceVersion string `json:"resourceVersion"`

	// generation is metadata.generation.
	Generation int64 `json:"generation"`

	// basedOn is metadata.resourceVersion as it was before.
	BasedOn string `json:"basedOn"`
}
