package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// PlacementResult is the outcome for one workload.
// +enum
type PlacementResult string

const (
	// Placed: the workload has, or would get, clusters for all of its replicas.
	Placed PlacementResult = "Placed"
	// NotPlaced: no decision is possible; the message tells why.
	NotPlaced PlacementResult = "NotPlaced"
	// NotSelected: no policy selects the template.
	NotSelected PlacementResult = "NotSelected"
	// NotScheduled: the scheduler leaves the workload alone; the message tells why.
	NotScheduled PlacementResult = "NotScheduled"
)

// WorkloadPlacement is why one workload is, or would be, where it is.
type WorkloadPlacement struct {
	// template is what is placed.
	Template TemplateReference `json:"template"`
	// binding stands for the template under its policy; not set if none is there.
	// +optional
	Binding *BindingReference `json:"binding,omitempty"`
	// policy that decides, as KIND/NAME or KIND/NAMESPACE/NAME.
	// +optional
	Policy string `json:"policy,omitempty"`
	// result tells whether the workload can be placed.
	Result PlacementResult `json:"result"`
	// message says the result in words.
	// +optional
	Message string `json:"message,omitempty"`
	// replicas that are asked for; 0 for what has none.
	// +optional
	Replicas int32 `json:"replicas,omitempty"`
	// strategy divides the replicas: Duplicated, StaticWeight, DynamicWeight or Aggregated.
	// +optional
	Strategy string `json:"strategy,omitempty"`
	// group is the cluster group in use, if the placement has several.
	// +optional
	Group string `json:"group,omitempty"`
	// attempts are the cluster groups up to the one in use, if the placement has several.
	// +optional
	// +listType=atomic
	Attempts []GroupAttempt `json:"attempts,omitempty"`
	// due says why a decision is due, as a continuation of "decided because"; empty if none is.
	// +optional
	Due string `json:"due,omitempty"`
	// now is where the workload is placed at present.
	// +optional
	// +listType=atomic
	Now []ClusterReplicas `json:"now,omitempty"`
	// placement is where a decision made now places it.
	// +optional
	// +listType=atomic
	Placement []ClusterReplicas `json:"placement,omitempty"`
	// afresh is where a fresh decision, as a WorkloadRebalancer asks for, would place it; only
	// set if that differs from placement.
	// +optional
	// +listType=atomic
	Afresh []ClusterReplicas `json:"afresh,omitempty"`
	// placementOmitted counts clusters left out of now, placement and afresh for the size of the answer.
	// +optional
	PlacementOmitted int32 `json:"placementOmitted,omitempty"`
	// refused are the clusters that cannot take the workload, by reason, the most frequent first.
	// +optional
	// +listType=atomic
	Refused []Refusal `json:"refused,omitempty"`
	// candidates are the clusters that can, best first.
	// +optional
	// +listType=atomic
	Candidates []Candidate `json:"candidates,omitempty"`
	// candidatesOmitted counts candidates left out for the size of the answer.
	// +optional
	CandidatesOmitted int32 `json:"candidatesOmitted,omitempty"`
	// selection says in words how candidates were chosen by the spread constraints.
	// +optional
	// +listType=atomic
	Selection []string `json:"selection,omitempty"`
	// division says in words how replicas became what each candidate gets, step by step.
	// +optional
	// +listType=atomic
	Division []string `json:"division,omitempty"`
	// wouldHelp says what would have to change for a better outcome.
	// +optional
	// +listType=atomic
	WouldHelp []string `json:"wouldHelp,omitempty"`
	// decisions are the last ones made for the binding, the newest first.
	// +optional
	// +listType=atomic
	Decisions []Decision `json:"decisions,omitempty"`
}

// GroupAttempt is a cluster group that was tried, or passed over.
type GroupAttempt struct {
	// group is its affinityName.
	Group string `json:"group"`
	// message says what came of it.
	Message string `json:"message"`
}

// ClusterReplicas is a cluster and the replicas in it; 0 where the workload has none to divide.
type ClusterReplicas struct {
	// cluster is its name.
	Cluster string `json:"cluster"`
	// replicas in it.
	Replicas int32 `json:"replicas"`
}

// Refusal is one reason for which clusters cannot take a workload.
type Refusal struct {
	// step that refused: the name of a filter plugin.
	Step string `json:"step"`
	// reason in words, as it follows a number of clusters.
	Reason string `json:"reason"`
	// wouldHelp says what would have to change for the clusters to pass this step.
	// +optional
	WouldHelp string `json:"wouldHelp,omitempty"`
	// count is how many clusters were refused for this reason.
	Count int32 `json:"count"`
	// clusters are their names, the first ones only if count is higher.
	// +optional
	// +listType=atomic
	Clusters []string `json:"clusters,omitempty"`
}

// Candidate is a cluster that passed every filter, and what followed for it.
type Candidate struct {
	// cluster is its name.
	Cluster string `json:"cluster"`
	// score is the sum of scores; more is better.
	Score int64 `json:"score"`
	// scores are what each plugin gave.
	// +optional
	// +listType=map
	// +listMapKey=plugin
	Scores []PluginScore `json:"scores,omitempty"`
	// tier is how far down the order of preference of its group it lies, 0 being best.
	// +optional
	Tier int32 `json:"tier,omitempty"`
	// held is how many replicas it has been given so far.
	// +optional
	Held int32 `json:"held,omitempty"`
	// room is how many more replicas it can take; not set where no step needed to know.
	// +optional
	Room *int32 `json:"room,omitempty"`
	// limitedBy is the estimator whose answer room is.
	// +optional
	LimitedBy string `json:"limitedBy,omitempty"`
	// limit says which resource or rule sets that limit, where the estimator tells.
	// +optional
	Limit string `json:"limit,omitempty"`
	// selected tells whether it was chosen to get replicas.
	Selected bool `json:"selected"`
	// weight by which replicas were divided; not set if they were not divided by weight.
	// +optional
	Weight *int64 `json:"weight,omitempty"`
	// share is the exact share before rounding, such as "1.667".
	// +optional
	Share string `json:"share,omitempty"`
	// replicas that it gets.
	// +optional
	Replicas int32 `json:"replicas,omitempty"`
	// note says why it gets nothing, or more or less than its share.
	// +optional
	Note string `json:"note,omitempty"`
}

// PluginScore is what one plugin thinks of a cluster.
type PluginScore struct {
	// plugin is its name.
	Plugin string `json:"plugin"`
	// score from 0 to 100, times the weight that the plugin is configured with.
	Score int64 `json:"score"`
}

// Decision is one that was made.
type Decision struct {
	// time at which it was made.
	Time metav1.Time `json:"time"`
	// cause for which it was made.
	Cause string `json:"cause"`
	// change that it made, in words: "m1 3, m2 2 → m1 2, m2 3".
	// +optional
	Change string `json:"change,omitempty"`
}
