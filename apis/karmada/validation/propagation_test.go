package validation

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
)

type spec = policyv1alpha1.PropagationSpec

func policy(edit func(*spec)) *policyv1alpha1.PropagationPolicy {
	p := &policyv1alpha1.PropagationPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "default"},
		Spec: spec{
			ResourceSelectors: []policyv1alpha1.ResourceSelector{{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "default"}},
			SchedulerName:     "default-scheduler",
		},
	}
	if edit != nil {
		edit(&p.Spec)
	}
	return p
}

func TestPropagationPolicy(t *testing.T) {
	spread := func(constraints ...policyv1alpha1.SpreadConstraint) func(*spec) {
		return func(s *spec) { s.Placement.SpreadConstraints = constraints }
	}
	application := func(edit func(*policyv1alpha1.ApplicationFailoverBehavior)) func(*spec) {
		return func(s *spec) {
			s.PropagateDeps = true
			a := &policyv1alpha1.ApplicationFailoverBehavior{PurgeMode: policyv1alpha1.PurgeModeDirectly,
				DecisionConditions: policyv1alpha1.DecisionConditions{TolerationSeconds: ptr.To[int32](300)}}
			edit(a)
			s.Failover = &policyv1alpha1.FailoverBehavior{Application: a}
		}
	}
	weights := func(weights ...int64) func(*spec) {
		return func(s *spec) {
			preference := &policyv1alpha1.ClusterPreferences{}
			for _, w := range weights {
				preference.StaticWeightList = append(preference.StaticWeightList, policyv1alpha1.StaticClusterWeight{Weight: w})
			}
			s.Placement.ReplicaScheduling = &policyv1alpha1.ReplicaSchedulingStrategy{WeightPreference: preference}
		}
	}
	fields := func(r corev1.NodeSelectorRequirement) func(*spec) {
		return func(s *spec) {
			s.Placement.ClusterAffinity = &policyv1alpha1.ClusterAffinity{FieldSelector: &policyv1alpha1.FieldSelector{MatchExpressions: []corev1.NodeSelectorRequirement{r}}}
		}
	}
	named := policyv1alpha1.ClusterAffinity{ClusterNames: []string{"member1"}}
	aggregated := &policyv1alpha1.ReplicaSchedulingStrategy{ReplicaSchedulingType: policyv1alpha1.ReplicaSchedulingTypeDivided, ReplicaDivisionPreference: policyv1alpha1.ReplicaDivisionPreferenceAggregated}
	for name, c := range map[string]struct {
		edit  func(*spec)
		wants []string
	}{
		"minimal": {nil, nil},
		"selector in another namespace": {
			func(s *spec) { s.ResourceSelectors[0].Namespace = "other" },
			[]string{"spec.resourceSelectors[0].namespace: must be the namespace of the policy, default"}},
		"selector with an impossible API version": {
			func(s *spec) { s.ResourceSelectors[0].APIVersion = "a/b/c" },
			[]string{"spec.resourceSelectors[0].apiVersion: such as v1 or apps/v1"}},
		"label selector with an unknown operator": {
			func(s *spec) {
				s.ResourceSelectors[0].LabelSelector = &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "a", Operator: "Like", Values: []string{"b"}}}}
			},
			[]string{"spec.resourceSelectors[0].labelSelector.matchExpressions[0].operator: not a valid"}},
		"preemption without a name": {
			func(s *spec) { s.Preemption = policyv1alpha1.PreemptAlways },
			[]string{"spec.resourceSelectors[0].name: if preemption is Always"}},
		"preemption with a name": {
			func(s *spec) { s.Preemption = policyv1alpha1.PreemptAlways; s.ResourceSelectors[0].Name = "nginx" }, nil},
		"both affinities": {
			func(s *spec) {
				s.Placement.ClusterAffinity = &named
				s.Placement.ClusterAffinities = []policyv1alpha1.ClusterAffinityTerm{{AffinityName: "a"}}
			},
			[]string{"spec.placement.clusterAffinities: use one of the two"}},
		"affinity names twice": {
			func(s *spec) {
				s.Placement.ClusterAffinities = []policyv1alpha1.ClusterAffinityTerm{{AffinityName: "a"}, {AffinityName: "a"}}
			},
			[]string{"spec.placement.clusterAffinities[1].affinityName: Duplicate"}},
		"affinity name that is no label key": {
			func(s *spec) {
				s.Placement.ClusterAffinities = []policyv1alpha1.ClusterAffinityTerm{{AffinityName: "a b"}}
			},
			[]string{"spec.placement.clusterAffinities[0].affinityName: Invalid"}},
		"overflow without dynamic division": {
			func(s *spec) {
				s.Placement.ClusterAffinities = []policyv1alpha1.ClusterAffinityTerm{{AffinityName: "a", ClusterAffinity: named,
					OverflowAffinities: []policyv1alpha1.OverflowClusterAffinity{{AffinityName: "b"}}}}
			},
			[]string{"spec.placement.clusterAffinities[0].overflowAffinities: divides replicas"}},
		"overflow beside an empty term, of the same name": {
			func(s *spec) {
				s.Placement.ReplicaScheduling = aggregated
				s.Placement.ClusterAffinities = []policyv1alpha1.ClusterAffinityTerm{{AffinityName: "a",
					OverflowAffinities: []policyv1alpha1.OverflowClusterAffinity{{AffinityName: "a"}}}}
			},
			[]string{"spec.placement.clusterAffinities[0].overflowAffinities: term itself", "spec.placement.clusterAffinities[0].overflowAffinities[0].affinityName: Duplicate"}},
		"overflow": {
			func(s *spec) {
				s.Placement.ReplicaScheduling = aggregated
				s.Placement.ClusterAffinities = []policyv1alpha1.ClusterAffinityTerm{{AffinityName: "a", ClusterAffinity: named,
					OverflowAffinities: []policyv1alpha1.OverflowClusterAffinity{{AffinityName: "b"}}}}
			}, nil},
		"field selector by an unknown field": {
			fields(corev1.NodeSelectorRequirement{Key: "owner", Operator: corev1.NodeSelectorOpIn, Values: []string{"x"}}),
			[]string{`spec.placement.clusterAffinity.fieldSelector.matchExpressions[0].key: supported values: "provider", "region", "zone"`}},
		"field selector by an unknown operator": {
			fields(corev1.NodeSelectorRequirement{Key: "zone", Operator: corev1.NodeSelectorOpExists, Values: []string{"x"}}),
			[]string{`spec.placement.clusterAffinity.fieldSelector.matchExpressions[0].operator: supported values: "In", "NotIn"`}},
		"field selector without values": {
			fields(corev1.NodeSelectorRequirement{Key: "zone", Operator: corev1.NodeSelectorOpIn}),
			[]string{"spec.placement.clusterAffinity.fieldSelector.matchExpressions[0].values: at least one"}},
		"toleration by comparison": {
			func(s *spec) { s.Placement.ClusterTolerations = []corev1.Toleration{{Key: "a", Operator: "Lt"}} },
			[]string{`spec.placement.clusterTolerations[0].operator: supported values: "Exists", "Equal"`}},
		"spread by field and label": {
			spread(policyv1alpha1.SpreadConstraint{SpreadByField: policyv1alpha1.SpreadByFieldCluster, SpreadByLabel: "a"}),
			[]string{"spec.placement.spreadConstraints[0].spreadByLabel: use one of the two"}},
		"spread with max below min": {
			spread(policyv1alpha1.SpreadConstraint{SpreadByField: policyv1alpha1.SpreadByFieldCluster, MinGroups: 3, MaxGroups: 2}),
			[]string{"spec.placement.spreadConstraints[0].maxGroups: Invalid value: 2: must be at least minGroups"}},
		"spread without limit": {
			spread(policyv1alpha1.SpreadConstraint{SpreadByField: policyv1alpha1.SpreadByFieldCluster, MinGroups: 3}), nil},
		"spread with negative groups": {
			spread(policyv1alpha1.SpreadConstraint{SpreadByField: policyv1alpha1.SpreadByFieldCluster, MinGroups: -1, MaxGroups: -1}),
			[]string{"spec.placement.spreadConstraints[0].minGroups: at least 0", "spec.placement.spreadConstraints[0].maxGroups: at least 0"}},
		"spread twice by one field": {
			spread(policyv1alpha1.SpreadConstraint{SpreadByField: policyv1alpha1.SpreadByFieldCluster}, policyv1alpha1.SpreadConstraint{SpreadByField: policyv1alpha1.SpreadByFieldCluster}),
			[]string{"spec.placement.spreadConstraints[1].spreadByField: Duplicate"}},
		"spread by region alone": {
			spread(policyv1alpha1.SpreadConstraint{SpreadByField: policyv1alpha1.SpreadByFieldRegion}), nil},
		"spread by label alone": {spread(policyv1alpha1.SpreadConstraint{SpreadByLabel: "rack"}), nil},
		"spread by what is no label key": {
			spread(policyv1alpha1.SpreadConstraint{SpreadByLabel: "the rack"}),
			[]string{`spec.placement.spreadConstraints[0].spreadByLabel: Invalid value: "the rack"`}},
		"spread twice by one label": {
			spread(policyv1alpha1.SpreadConstraint{SpreadByLabel: "rack"}, policyv1alpha1.SpreadConstraint{SpreadByLabel: "rack"}),
			[]string{"spec.placement.spreadConstraints[1].spreadByLabel: Duplicate"}},
		"spread by two labels": {
			spread(policyv1alpha1.SpreadConstraint{SpreadByLabel: "rack"}, policyv1alpha1.SpreadConstraint{SpreadByLabel: "row"}), nil},
		"spread twice by clusters, once by default": {
			spread(policyv1alpha1.SpreadConstraint{}, policyv1alpha1.SpreadConstraint{SpreadByField: policyv1alpha1.SpreadByFieldCluster}),
			[]string{"spec.placement.spreadConstraints[1].spreadByField: Duplicate"}},
		"spread by an unknown field": {
			spread(policyv1alpha1.SpreadConstraint{SpreadByField: "planet"}),
			[]string{`spec.placement.spreadConstraints[0].spreadByField: Unsupported value: "planet"`}},
		"fewer clusters than regions": {
			spread(policyv1alpha1.SpreadConstraint{SpreadByField: policyv1alpha1.SpreadByFieldRegion, MinGroups: 3},
				policyv1alpha1.SpreadConstraint{SpreadByField: policyv1alpha1.SpreadByFieldCluster, MaxGroups: 2}),
			[]string{"spec.placement.spreadConstraints[1].maxGroups: Invalid value: 2: must be at least 3, the minGroups of spec.placement.spreadConstraints[0]"}},
		"fewer clusters than values of a label": {
			spread(policyv1alpha1.SpreadConstraint{SpreadByLabel: "rack", MinGroups: 3}, policyv1alpha1.SpreadConstraint{MaxGroups: 2}),
			[]string{"spec.placement.spreadConstraints[1].maxGroups: Invalid value: 2: must be at least 3"}},
		"fewer clusters than zones, of which a cluster may have several": {
			spread(policyv1alpha1.SpreadConstraint{SpreadByField: policyv1alpha1.SpreadByFieldZone, MinGroups: 3},
				policyv1alpha1.SpreadConstraint{SpreadByField: policyv1alpha1.SpreadByFieldCluster, MaxGroups: 2}), nil},
		"one cluster for each region, as Karmada has it": {
			spread(policyv1alpha1.SpreadConstraint{SpreadByField: policyv1alpha1.SpreadByFieldCluster, MinGroups: 1, MaxGroups: 1},
				policyv1alpha1.SpreadConstraint{SpreadByField: policyv1alpha1.SpreadByFieldRegion, MinGroups: 2, MaxGroups: 2}), nil},
		"weights of zero and below": {
			weights(1, 0, -2),
			[]string{"spec.placement.replicaScheduling.weightPreference.staticWeightList[1].weight: at least 1", "spec.placement.replicaScheduling.weightPreference.staticWeightList[2].weight: at least 1"}},
		"affinity and anti-affinity by one key": {
			func(s *spec) {
				s.Placement.WorkloadAffinity = &policyv1alpha1.WorkloadAffinity{
					Affinity: &policyv1alpha1.WorkloadAffinityTerm{GroupByLabelKey: "g"}, AntiAffinity: &policyv1alpha1.WorkloadAntiAffinityTerm{GroupByLabelKey: "g"}}
			},
			[]string{"spec.placement.workloadAffinity.antiAffinity.groupByLabelKey: must differ"}},
		"application failover without dependencies": {
			func(s *spec) {
				application(func(*policyv1alpha1.ApplicationFailoverBehavior) {})(s)
				s.PropagateDeps = false
			},
			[]string{"spec.propagateDeps: must be true if failover.application is set"}},
		"negative toleration": {
			application(func(a *policyv1alpha1.ApplicationFailoverBehavior) {
				a.DecisionConditions.TolerationSeconds = ptr.To[int32](-1)
			}),
			[]string{"spec.failover.application.decisionConditions.tolerationSeconds: at least 0"}},
		"grace period of a direct purge": {
			application(func(a *policyv1alpha1.ApplicationFailoverBehavior) { a.GracePeriodSeconds = ptr.To[int32](5) }),
			[]string{"spec.failover.application.gracePeriodSeconds: only if purgeMode is Gracefully"}},
		"graceful purge without grace period": {
			application(func(a *policyv1alpha1.ApplicationFailoverBehavior) { a.PurgeMode = policyv1alpha1.PurgeModeGracefully }),
			[]string{"spec.failover.application.gracePeriodSeconds: must be set if purgeMode is Gracefully"}},
		"graceful purge by its old name, without grace": {
			application(func(a *policyv1alpha1.ApplicationFailoverBehavior) {
				a.PurgeMode, a.GracePeriodSeconds = policyv1alpha1.Graciously, ptr.To[int32](0)
			}),
			[]string{"spec.failover.application.gracePeriodSeconds: greater than 0"}},
		"state kept under no label name": {
			func(s *spec) {
				s.Failover = &policyv1alpha1.FailoverBehavior{Cluster: &policyv1alpha1.ClusterFailoverBehavior{StatePreservation: &policyv1alpha1.StatePreservation{
					Rules: []policyv1alpha1.StatePreservationRule{{AliasLabelName: "a b", JSONPath: "{.a}"}}}}}
			},
			[]string{"spec.failover.cluster.statePreservation.rules[0].aliasLabelName: Invalid"}},
		"suspended everywhere and somewhere": {
			func(s *spec) {
				s.Suspension = &policyv1alpha1.Suspension{Dispatching: ptr.To(true), DispatchingOnClusters: &policyv1alpha1.SuspendClusters{ClusterNames: []string{"member1"}}}
			},
			[]string{"spec.suspension.dispatchingOnClusters.clusterNames: use one of the two"}},
	} {
		t.Run(name, func(t *testing.T) { expect(t, PropagationPolicy(policy(c.edit)), c.wants...) })
	}
}

func TestClusterPropagationPolicySelectsAnywhere(t *testing.T) {
	p := &policyv1alpha1.ClusterPropagationPolicy{Spec: policy(func(s *spec) { s.ResourceSelectors[0].Namespace = "other" }).Spec}
	expect(t, ClusterPropagationPolicy(p))
}

func TestPropagationPolicyUpdate(t *testing.T) {
	old := policy(nil)
	old.Labels = map[string]string{policyv1alpha1.PropagationPolicyPermanentIDLabel: "1"}
	changed := policy(func(s *spec) { s.SchedulerName = "other" })
	changed.Labels = map[string]string{policyv1alpha1.PropagationPolicyPermanentIDLabel: "2"}
	expect(t, PropagationPolicyUpdate(changed, old), "spec.schedulerName: must stay default-scheduler",
		"metadata.labels[propagationpolicy.karmada.io/permanent-id]: must stay 1")
	expect(t, PropagationPolicyUpdate(old.DeepCopy(), old))
}

func TestPropagationWarnings(t *testing.T) {
	for name, c := range map[string]struct {
		edit func(*spec)
		want int
	}{
		"nothing without effect": {nil, 0},
		"duplicated and divided": {func(s *spec) {
			s.Placement.ReplicaScheduling = &policyv1alpha1.ReplicaSchedulingStrategy{ReplicaSchedulingType: policyv1alpha1.ReplicaSchedulingTypeDuplicated,
				ReplicaDivisionPreference: policyv1alpha1.ReplicaDivisionPreferenceWeighted, WeightPreference: &policyv1alpha1.ClusterPreferences{}}
		}, 2},
		"aggregated and weighted": {func(s *spec) {
			s.Placement.ReplicaScheduling = &policyv1alpha1.ReplicaSchedulingStrategy{ReplicaSchedulingType: policyv1alpha1.ReplicaSchedulingTypeDivided,
				ReplicaDivisionPreference: policyv1alpha1.ReplicaDivisionPreferenceAggregated, WeightPreference: &policyv1alpha1.ClusterPreferences{}}
		}, 1},
		"spread and static weights": {func(s *spec) {
			s.Placement.SpreadConstraints = []policyv1alpha1.SpreadConstraint{{SpreadByLabel: "rack"}}
			s.Placement.ReplicaScheduling = &policyv1alpha1.ReplicaSchedulingStrategy{ReplicaSchedulingType: policyv1alpha1.ReplicaSchedulingTypeDivided,
				ReplicaDivisionPreference: policyv1alpha1.ReplicaDivisionPreferenceWeighted}
		}, 1},
		"one cluster for each of two regions": {func(s *spec) {
			s.Placement.SpreadConstraints = []policyv1alpha1.SpreadConstraint{{SpreadByField: policyv1alpha1.SpreadByFieldRegion, MinGroups: 2}, {MaxGroups: 1}}
		}, 1},
		"name and label selector": {func(s *spec) {
			s.ResourceSelectors[0].Name, s.ResourceSelectors[0].LabelSelector = "a", &metav1.LabelSelector{}
		}, 1},
	} {
		if got := PropagationWarnings(&policy(c.edit).Spec); len(got) != c.want {
			t.Errorf("%s: warnings are %q, want %d", name, got, c.want)
		}
	}
}
