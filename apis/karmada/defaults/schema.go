package defaults

import (
	"cmp"

	"k8s.io/utils/ptr"

	autoscalingv1alpha1 "github.com/karmada-io/karmada/pkg/apis/autoscaling/v1alpha1"
	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
)

// Values of the CRD schemas.
const (
	// SchedulerName is the scheduler of a policy that names none.
	SchedulerName = "default-scheduler"
	// TolerationSeconds is how long an unhealthy application is tolerated.
	TolerationSeconds = 300
	// CronHistoryLimit is how many executions of either outcome a rule of a CronFederatedHPA remembers.
	CronHistoryLimit = 3
)

// PropagationSpec sets the schema's defaults of a policy.
func PropagationSpec(s *policyv1alpha1.PropagationSpec) {
	setIfNil(&s.Priority, 0)
	s.Preemption = cmp.Or(s.Preemption, policyv1alpha1.PreemptNever)
	s.SchedulerName = cmp.Or(s.SchedulerName, SchedulerName)
	s.ConflictResolution = cmp.Or(s.ConflictResolution, policyv1alpha1.ConflictAbort)
	placement(&s.Placement)
	failover(s.Failover)
}

// BindingSpec sets the schema's defaults of a binding.
func BindingSpec(s *workv1alpha2.ResourceBindingSpec) {
	s.ConflictResolution = cmp.Or(s.ConflictResolution, policyv1alpha1.ConflictAbort)
	placement(s.Placement)
	failover(s.Failover)
}

// CronFederatedHPASpec sets the schema's defaults of a CronFederatedHPA.
func CronFederatedHPASpec(s *autoscalingv1alpha1.CronFederatedHPASpec) {
	for i := range s.Rules {
		setIfNil(&s.Rules[i].Suspend, false)
		setIfNil(&s.Rules[i].SuccessfulHistoryLimit, CronHistoryLimit)
		setIfNil(&s.Rules[i].FailedHistoryLimit, CronHistoryLimit)
	}
}

func placement(p *policyv1alpha1.Placement) {
	if p != nil && p.ReplicaScheduling != nil {
		p.ReplicaScheduling.ReplicaSchedulingType = cmp.Or(p.ReplicaScheduling.ReplicaSchedulingType, policyv1alpha1.ReplicaSchedulingTypeDivided)
	}
}

func failover(f *policyv1alpha1.FailoverBehavior) {
	if f == nil {
		return
	}
	if f.Application != nil {
		setIfNil(&f.Application.DecisionConditions.TolerationSeconds, TolerationSeconds)
		f.Application.PurgeMode = cmp.Or(f.Application.PurgeMode, policyv1alpha1.PurgeModeGracefully)
	}
	if f.Cluster != nil {
		f.Cluster.PurgeMode = cmp.Or(f.Cluster.PurgeMode, policyv1alpha1.PurgeModeGracefully)
	}
}

func setIfNil[T any](p **T, value T) {
	if *p == nil {
		*p = ptr.To(value)
	}
}
