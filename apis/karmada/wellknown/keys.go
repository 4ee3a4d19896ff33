package wellknown

// Labels.
const (
	// ManagedLabel marks objects in a member that a control plane dispatched; its value is "true".
	ManagedLabel = "karmada.io/managed"
	// SystemLabel marks namespaces and objects that belong to the control plane itself; its value is "true".
	SystemLabel = "karmada.io/system"
	// RetainReplicasLabel with value "true" on a template leaves spec.replicas to the member.
	RetainReplicasLabel = "resourcetemplate.karmada.io/retain-replicas"
	// LabelValueTrue is the value of the labels above.
	LabelValueTrue = "true"
)

// DependedByLabelPrefix starts the key of a label on a binding that says which binding requires it:
// what follows is BindingReferenceKey of that one, the value its permanent ID.
const DependedByLabelPrefix = "resourcebinding.karmada.io/depended-by-"

// Annotations.
const (
	// AppliedPlacementAnnotation on a binding records the placement that was scheduled last, as JSON.
	AppliedPlacementAnnotation = "policy.karmada.io/applied-placement"
	// AppliedOverridesAnnotation on a Work records the namespaced override policies that were applied.
	AppliedOverridesAnnotation = "policy.karmada.io/applied-overrides"
	// AppliedClusterOverridesAnnotation on a Work records the cluster-wide override policies that were applied.
	AppliedClusterOverridesAnnotation = "policy.karmada.io/applied-cluster-overrides"
	// DependenciesAnnotation on a binding lists its dependencies, as JSON.
	DependenciesAnnotation = "resourcebinding.karmada.io/dependencies"

	// DecisionsAnnotation on a binding holds the last decisions that moved something, as JSON; see package history.
	DecisionsAnnotation = "scheduler.atoll.dev/decisions"
	// AvoidedAnnotation on a binding holds the clusters that could not run all replicas, as JSON; see package deschedule.
	AvoidedAnnotation = "scheduler.atoll.dev/avoided"
	// TriggeredByAnnotation on a binding says who set spec.rescheduleTriggeredAt: that time, a blank, and the name of a WorkloadRebalancer.
	TriggeredByAnnotation = "scheduler.atoll.dev/triggered-by"
	// EstimatorAnnotation on a Cluster is the address, host:port, of the scheduler estimator that runs in the member; "none" turns it off.
	EstimatorAnnotation = "scheduler.atoll.dev/estimator"
	// NoEstimator as the value of EstimatorAnnotation says that the member has none.
	NoEstimator = "none"
	// TemplateHashAnnotation on a binding is the hash of the template that it was last brought up
	// to date with. spec.resource.resourceVersion moves only when it changes: a template's version
	// also moves with its status, and a restart would find every binding out of date.
	TemplateHashAnnotation = "atoll.dev/template-hash"
	// LazyHashAnnotation on a template that a lazy policy claimed without activating: the hash of
	// the template as it was then.
	LazyHashAnnotation = "atoll.dev/lazy-hash"

	// PlaneUIDAnnotation on a dispatched object holds the UID of the control plane that wrote it.
	PlaneUIDAnnotation = "atoll.dev/plane-uid"
	// TemplateUIDAnnotation on a dispatched object holds the UID of its template.
	TemplateUIDAnnotation = "atoll.dev/template-uid"
	// TemplateGenerationAnnotation on a dispatched object holds the metadata.generation of its template.
	TemplateGenerationAnnotation = "atoll.dev/template-generation"

	// PortsAnnotation on a binding lists the fixed ports that the template takes of a member's
	// nodes, ClaimsAnnotation the volume claims of its pods, PlatformAnnotation what they need of a
	// node where spec.replicaRequirements does not say so; see pkg/propagation/footprint.
	PortsAnnotation    = "scheduler.atoll.dev/ports"
	ClaimsAnnotation   = "scheduler.atoll.dev/claims"
	PlatformAnnotation = "scheduler.atoll.dev/platform"
)

// Finalizers.
const (
	// ClusterControllerFinalizer keeps a Cluster until its works and its execution namespace are gone.
	ClusterControllerFinalizer = "karmada.io/cluster-controller"
	// ExecutionControllerFinalizer keeps a Work until its manifests are gone from the member.
	ExecutionControllerFinalizer = "karmada.io/execution-controller"
	// BindingControllerFinalizer keeps a ResourceBinding until its works are gone.
	BindingControllerFinalizer = "karmada.io/binding-controller"
	// ClusterResourceBindingControllerFinalizer keeps a ClusterResourceBinding until its works are gone.
	ClusterResourceBindingControllerFinalizer = "karmada.io/cluster-resource-binding-controller"
	// PropagationPolicyControllerFinalizer keeps a PropagationPolicy until its templates are released.
	PropagationPolicyControllerFinalizer = "karmada.io/propagation-policy-controller"
	// ClusterPropagationPolicyControllerFinalizer keeps a ClusterPropagationPolicy until its templates are released.
	ClusterPropagationPolicyControllerFinalizer = "karmada.io/cluster-propagation-policy-controller"
)

// Namespaces.
const (
	// KarmadaSystemNamespace is reserved in the control plane and in members.
	KarmadaSystemNamespace = "karmada-system"
	// ClusterNamespace holds the credentials of members in the control plane, and karmadactl's identities in members.
	ClusterNamespace = "karmada-cluster"
	// SystemNamespace holds Atoll's own objects: in the control plane its identity, leases and
	// secrets, in a member the ownership object and the writer's identity.
	SystemNamespace = "atoll-system"
	// ExecutionNamespacePrefix starts the name of the namespace that holds a member's works.
	ExecutionNamespacePrefix = "karmada-es-"
)

// PlaneConfigMap in SystemNamespace of the control plane says who the control plane is.
// The API server writes it once, on its first start.
const (
	PlaneConfigMap = "plane"
	// PlaneUIDKey is the UID of the control plane's kube-system namespace: it travels with etcd.
	PlaneUIDKey = "planeUID"
	// PlaneEpochKey is the epoch, a decimal number from 1 up, under which this control plane claims members.
	PlaneEpochKey = "epoch"
	// PlaneClaimIDKey is unique to one claim of the fleet: two planes with the same UID and epoch differ in it.
	PlaneClaimIDKey = "claimID"
)

// OwnershipConfigMap in SystemNamespace of a member says which control plane may write to it,
// under the same keys as PlaneConfigMap.
const OwnershipConfigMap = "ownership"
