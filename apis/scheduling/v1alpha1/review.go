package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// PlacementReview asks the scheduler why a workload is placed where it is, or where
// workloads would be placed. The answer appears in the status; nothing is placed or moved.
type PlacementReview struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the object's standard metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is the question. It cannot be changed: ask another one.
	Spec PlacementReviewSpec `json:"spec"`
	// status is the answer.
	// +optional
	Status PlacementReviewStatus `json:"status,omitempty"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object

// PlacementReviewList is a list of PlacementReviews.
type PlacementReviewList struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the list's standard metadata.
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`
	// items are the reviews.
	// +listType=atomic
	Items []PlacementReview `json:"items"`
}

// PlacementReviewSpec is a question: exactly one of its fields is set.
type PlacementReviewSpec struct {
	// binding asks why this binding is placed as it is.
	// +optional
	Binding *BindingReference `json:"binding,omitempty"`
	// template asks why the binding of this template is placed as it is.
	// +optional
	Template *TemplateReference `json:"template,omitempty"`
	// simulate asks where templates would be placed.
	// +optional
	Simulate *Simulation `json:"simulate,omitempty"`
}

// BindingReference names a ResourceBinding, or a ClusterResourceBinding if it has no namespace.
type BindingReference struct {
	// namespace of the binding; empty for a ClusterResourceBinding.
	// +optional
	Namespace string `json:"namespace,omitempty"`
	// name of the binding.
	Name string `json:"name"`
}

// TemplateReference names an object that is propagated.
type TemplateReference struct {
	// apiVersion of the template, such as apps/v1.
	APIVersion string `json:"apiVersion"`
	// kind of the template, such as Deployment.
	Kind string `json:"kind"`
	// namespace of the template; empty if its kind has none.
	// +optional
	Namespace string `json:"namespace,omitempty"`
	// name of the template.
	Name string `json:"name"`
}

// Simulation places templates over the clusters as they are now, but for the changes listed.
type Simulation struct {
	// templates are whole manifests, placed in this order, each with the room that those
	// before it leave. A template that exists already is placed as a change of it. Leave
	// the data of Secrets out: no decision depends on it.
	// +listType=atomic
	Templates []runtime.RawExtension `json:"templates"`
	// policies are PropagationPolicies and ClusterPropagationPolicies that count in addition
	// to those of the control plane, or in place of one of the same name.
	// +optional
	// +listType=atomic
	Policies []runtime.RawExtension `json:"policies,omitempty"`
	// changes are made to the clusters before anything is placed.
	// +optional
	Changes Changes `json:"changes,omitempty"`
	// replicas is what every template with replicas asks for, instead of what it says itself.
	// +optional
	// +k8s:minimum=0
	Replicas *int32 `json:"replicas,omitempty"`
}

// Changes are hypothetical changes of the control plane.
type Changes struct {
	// clusters to be thought of differently.
	// +optional
	// +listType=map
	// +listMapKey=name
	Clusters []ClusterChange `json:"clusters,omitempty"`
}

// ClusterChange is how a cluster is thought of. What is not set is as it is.
type ClusterChange struct {
	// name of the cluster, which must exist.
	Name string `json:"name"`
	// fail takes the cluster away, with all that it holds.
	// +optional
	Fail bool `json:"fail,omitempty"`
	// labels to set.
	// +optional
	Labels map[string]string `json:"labels,omitempty"`
	// removeLabels are the keys of labels to remove.
	// +optional
	// +listType=atomic
	RemoveLabels []string `json:"removeLabels,omitempty"`
	// taints in place of those that it has; an empty list removes them all.
	// +optional
	// +listType=atomic
	Taints []corev1.Taint `json:"taints,omitzero"`
	// provider in place of the one that it has.
	// +optional
	Provider *string `json:"provider,omitempty"`
	// region in place of the one that it has.
	// +optional
	Region *string `json:"region,omitempty"`
	// zones in place of those that it has; an empty list removes them all.
	// +optional
	// +listType=atomic
	Zones []string `json:"zones,omitzero"`
}

// ReviewPhase tells how far the answer is.
// +enum
type ReviewPhase string

const (
	// ReviewPending: no scheduler has answered yet. An empty phase means the same.
	ReviewPending ReviewPhase = "Pending"
	// ReviewCompleted: the answer is there. That a workload fits nowhere is an answer.
	ReviewCompleted ReviewPhase = "Completed"
	// ReviewFailed: the question cannot be answered; the message tells why.
	ReviewFailed ReviewPhase = "Failed"
)

// PlacementReviewStatus is the scheduler's answer. It is kept below 500 KB: lists of
// clusters are cut off where a count next to them says so.
type PlacementReviewStatus struct {
	// phase is Pending until the scheduler answers, then Completed or Failed.
	// +optional
	Phase ReviewPhase `json:"phase,omitempty"`
	// message is the answer in one sentence, or why there is none.
	// +optional
	Message string `json:"message,omitempty"`
	// completionTime is when the answer was given.
	// +optional
	CompletionTime *metav1.Time `json:"completionTime,omitempty"`
	// clusters is how many clusters there were to choose from.
	// +optional
	Clusters int32 `json:"clusters,omitempty"`
	// workloads are the answers, one for each workload asked about, in the order asked.
	// +optional
	// +listType=atomic
	Workloads []WorkloadPlacement `json:"workloads,omitempty"`
}
