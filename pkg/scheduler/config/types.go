package config

import (
	"encoding/json"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// All stands for all plugins in Plugins.Disabled.
const All = "*"

// Scheduler configures the scheduler.
type Scheduler struct {
	// SchedulerName selects the bindings to place: those whose spec.schedulerName is
	// this. The one named default-scheduler also places those that name none.
	// Default: default-scheduler.
	SchedulerName string `json:"schedulerName,omitempty"`
	// Parallelism is how many bindings are decided and written at the same time.
	// Default: 32.
	Parallelism int `json:"parallelism,omitempty"`
	// EmptyWorkloads sends a workload also to those of the chosen clusters that get
	// none of its replicas. Default: false.
	EmptyWorkloads bool `json:"emptyWorkloads,omitempty"`
	// Plugins that run, and how. Default: all in-tree plugins.
	Plugins Plugins `json:"plugins,omitempty"`
	// Estimators say how many replicas more a cluster can hold.
	Estimators Estimators `json:"estimators,omitempty"`
	// Descheduler takes replicas away that a cluster cannot run.
	Descheduler Descheduler `json:"descheduler,omitempty"`
}

// Plugins says which plugins run, with what and in which order.
type Plugins struct {
	// Enabled are the plugins to run besides the in-tree ones, or to run differently.
	Enabled []Plugin `json:"enabled,omitempty"`
	// Disabled names in-tree plugins not to run; "*" alone means all that Enabled does not name.
	Disabled []string `json:"disabled,omitempty"`
	// Order names plugins to be asked first, in this order. Of several filters that
	// refuse a cluster the first gives the reason; the decision is the same in any
	// order. Default: the in-tree plugins in their own order, then those of Enabled.
	Order []string `json:"order,omitempty"`
}

// Plugin configures one plugin.
type Plugin struct {
	// Name under which the plugin is registered.
	Name string `json:"name"`
	// Weight multiplies the scores of a plugin that scores, which are from 0 to 100;
	// 0 leaves them out. Default: that of the in-tree plugin, else 1.
	Weight *int32 `json:"weight,omitempty"`
	// Args are the plugin's own; the plugin decodes, defaults and validates them.
	Args json.RawMessage `json:"args,omitempty"`
}

// Estimators configures who says how many replicas more a cluster can hold. What
// members report of themselves always counts.
type Estimators struct {
	// Timeout bounds one question to the estimators; what has not answered by then
	// does not count. Default: 3s.
	Timeout metav1.Duration `json:"timeout,omitempty"`
	// Karmada is the estimator that Karmada runs beside each member.
	Karmada KarmadaEstimator `json:"karmada,omitempty"`
}

// KarmadaEstimator says where karmada-scheduler-estimators are and how they are asked.
type KarmadaEstimator struct {
	// Enabled asks them. Default: false.
	Enabled bool `json:"enabled,omitempty"`
	// Discover asks for each member the one behind the Service SERVICEPREFIX-CLUSTER.
	// Without it, only members whose Cluster gives an address in the annotation
	// scheduler.atoll.dev/estimator have one. Default: true.
	Discover bool `json:"discover"`
	// SkipPull leaves members in pull mode out of discovery. Default: false.
	SkipPull bool `json:"skipPull,omitempty"`
	// ServicePrefix begins the names of their Services. Default: karmada-scheduler-estimator.
	ServicePrefix string `json:"servicePrefix,omitempty"`
	// Namespace of their Services. Default: karmada-system.
	Namespace string `json:"namespace,omitempty"`
	// Port on which they serve. Default: 10352.
	Port int `json:"port,omitempty"`
	// TLS of the connections.
	TLS EstimatorTLS `json:"tls,omitempty"`
}

// EstimatorTLS names PEM files.
type EstimatorTLS struct {
	// CAFile is the authority of the estimators' certificates.
	CAFile string `json:"caFile,omitempty"`
	// CertFile and KeyFile are the scheduler's client certificate.
	CertFile string `json:"certFile,omitempty"`
	KeyFile  string `json:"keyFile,omitempty"`
	// InsecureSkipVerify accepts any certificate. Default: false.
	InsecureSkipVerify bool `json:"insecureSkipVerify,omitempty"`
	// Plaintext connects without TLS. Default: false.
	Plaintext bool `json:"plaintext,omitempty"`
}

// Descheduler configures the search for replicas that stay unschedulable in their cluster.
type Descheduler struct {
	// Enabled turns it on. Default: true.
	Enabled bool `json:"enabled"`
	// Dwell is how long a replica must have been unschedulable before it is moved.
	// Default: 5m.
	Dwell metav1.Duration `json:"dwell,omitempty"`
	// Avoid is how long a workload then gets no more replicas in that cluster.
	// Default: 30m.
	Avoid metav1.Duration `json:"avoid,omitempty"`
}
