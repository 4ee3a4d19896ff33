package plugins_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"

	"atoll.dev/atoll/pkg/scheduler/framework"
	"atoll.dev/atoll/pkg/scheduler/internal/fixture"
	"atoll.dev/atoll/pkg/scheduler/plugins"
	"atoll.dev/atoll/pkg/scheduler/plugins/apienablement"
	"atoll.dev/atoll/pkg/scheduler/plugins/clusteraffinity"
	"atoll.dev/atoll/pkg/scheduler/plugins/clustereviction"
	"atoll.dev/atoll/pkg/scheduler/plugins/clusterlocality"
	"atoll.dev/atoll/pkg/scheduler/plugins/spreadconstraint"
	"atoll.dev/atoll/pkg/scheduler/plugins/tainttoleration"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

type placement = policyv1alpha1.Placement

// Who is refused is as in Karmada v1.18.1; "" is a cluster that passes.
func TestFilters(t *testing.T) {
	const (
		noMatch    = "outside the cluster affinity"
		noAPI      = "lack apps/v1 Deployment"
		evicting   = "evicting the workload"
		gpuTaint   = "taint gpu=true:NoSchedule"
		downTaint  = "taint down:NoExecute"
		noProvider = "have no provider"
		noRegion   = "have no region"
		noZones    = "have no zone"
		noRack     = "have no label rack"
	)
	gpu := fixture.Taint("gpu", "true", corev1.TaintEffectNoSchedule)
	affinity := fixture.Named("m")
	other := fixture.Named("other")
	spreadBy := func(f policyv1alpha1.SpreadFieldValue) placement {
		return placement{SpreadConstraints: []policyv1alpha1.SpreadConstraint{{SpreadByField: f}}}
	}
	byRack := placement{SpreadConstraints: []policyv1alpha1.SpreadConstraint{{SpreadByLabel: "rack"}}}
	tolerating := func(toleration corev1.Toleration) placement {
		return placement{ClusterTolerations: []corev1.Toleration{toleration}}
	}
	evictedFrom := func(cluster string) *workv1alpha2.ResourceBindingSpec {
		spec := fixture.Deployment(1, placement{})
		spec.GracefulEvictionTasks = []workv1alpha2.GracefulEvictionTask{{FromCluster: cluster}}
		return spec
	}
	for _, c := range []struct {
		name    string
		plugin  framework.FilterPlugin
		cluster *clusterv1alpha1.Cluster
		spec    *workv1alpha2.ResourceBindingSpec
		want    string
	}{
		{"API served", apienablement.Plugin{}, fixture.Cluster("m"), fixture.Deployment(1, placement{}), ""},
		{"API not served", apienablement.Plugin{}, fixture.Cluster("m", fixture.WithoutAPIs()), fixture.Deployment(1, placement{}), noAPI},
		{"API gone where the workload is", apienablement.Plugin{}, fixture.Cluster("m", fixture.WithoutAPIs()), fixture.Deployment(1, placement{}, fixture.On("m", 1)), ""},
		{"kind of another version", apienablement.Plugin{}, fixture.Cluster("m"), func() *workv1alpha2.ResourceBindingSpec {
			spec := fixture.Deployment(1, placement{})
			spec.Resource.APIVersion = "apps/v2"
			return spec
		}(), "lack apps/v2 Deployment"},

		{"no taint", tainttoleration.Plugin{}, fixture.Cluster("m"), fixture.Deployment(1, placement{}), ""},
		{"taint", tainttoleration.Plugin{}, fixture.Cluster("m", gpu), fixture.Deployment(1, placement{}), gpuTaint},
		{"taint without a value", tainttoleration.Plugin{}, fixture.Cluster("m", fixture.Taint("down", "", corev1.TaintEffectNoExecute)), fixture.Deployment(1, placement{}), downTaint},
		{"taint that only discourages", tainttoleration.Plugin{}, fixture.Cluster("m", fixture.Taint("gpu", "true", corev1.TaintEffectPreferNoSchedule)), fixture.Deployment(1, placement{}), ""},
		{"taint where the workload is", tainttoleration.Plugin{}, fixture.Cluster("m", gpu), fixture.Deployment(1, placement{}, fixture.On("m", 1)), ""},
		{"tolerated", tainttoleration.Plugin{}, fixture.Cluster("m", gpu), fixture.Deployment(1, tolerating(corev1.Toleration{Key: "gpu", Operator: corev1.TolerationOpEqual, Value: "true"})), ""},
		{"another value tolerated", tainttoleration.Plugin{}, fixture.Cluster("m", gpu), fixture.Deployment(1, tolerating(corev1.Toleration{Key: "gpu", Operator: corev1.TolerationOpEqual, Value: "false"})), gpuTaint},
		{"another effect tolerated", tainttoleration.Plugin{}, fixture.Cluster("m", gpu), fixture.Deployment(1, tolerating(corev1.Toleration{Key: "gpu", Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute})), gpuTaint},
		{"everything tolerated", tainttoleration.Plugin{}, fixture.Cluster("m", gpu), fixture.Deployment(1, tolerating(corev1.Toleration{Operator: corev1.TolerationOpExists})), ""},
		{"one of two taints tolerated", tainttoleration.Plugin{}, fixture.Cluster("m", gpu, fixture.Taint("down", "", corev1.TaintEffectNoExecute)), fixture.Deployment(1, tolerating(corev1.Toleration{Key: "gpu", Operator: corev1.TolerationOpExists})), downTaint},

		{"no affinity", clusteraffinity.Plugin{}, fixture.Cluster("m"), fixture.Deployment(1, placement{}), ""},
		{"affinity matches", clusteraffinity.Plugin{}, fixture.Cluster("m"), fixture.Deployment(1, placement{ClusterAffinity: &affinity}), ""},
		{"affinity does not match", clusteraffinity.Plugin{}, fixture.Cluster("m"), fixture.Deployment(1, placement{ClusterAffinity: &other}), noMatch},
		{"affinity no longer matches where the workload is", clusteraffinity.Plugin{}, fixture.Cluster("m"), fixture.Deployment(1, placement{ClusterAffinity: &other}, fixture.On("m", 1)), noMatch},

		{"no eviction", clustereviction.Plugin{}, fixture.Cluster("m"), fixture.Deployment(1, placement{}), ""},
		{"evicted from here", clustereviction.Plugin{}, fixture.Cluster("m"), evictedFrom("m"), evicting},
		{"evicted from elsewhere", clustereviction.Plugin{}, fixture.Cluster("m"), evictedFrom("n"), ""},

		{"spread by cluster", spreadconstraint.Plugin{}, fixture.Cluster("m"), fixture.Deployment(1, spreadBy("cluster")), ""},
		{"spread by provider, has one", spreadconstraint.Plugin{}, fixture.Cluster("m", fixture.At("p", "")), fixture.Deployment(1, spreadBy("provider")), ""},
		{"spread by provider, has none", spreadconstraint.Plugin{}, fixture.Cluster("m", fixture.At("", "r", "z")), fixture.Deployment(1, spreadBy("provider")), noProvider},
		{"spread by region, has one", spreadconstraint.Plugin{}, fixture.Cluster("m", fixture.At("", "r")), fixture.Deployment(1, spreadBy("region")), ""},
		{"spread by region, has none", spreadconstraint.Plugin{}, fixture.Cluster("m", fixture.At("p", "", "z")), fixture.Deployment(1, spreadBy("region")), noRegion},
		{"spread by zone, has one", spreadconstraint.Plugin{}, fixture.Cluster("m", fixture.At("", "", "z")), fixture.Deployment(1, spreadBy("zone")), ""},
		{"spread by zone, has none", spreadconstraint.Plugin{}, fixture.Cluster("m", fixture.At("p", "r")), fixture.Deployment(1, spreadBy("zone")), noZones},
		{"spread by label, has it", spreadconstraint.Plugin{}, fixture.Cluster("m", fixture.Label("rack", "1")), fixture.Deployment(1, byRack), ""},
		{"spread by label, has it empty", spreadconstraint.Plugin{}, fixture.Cluster("m", fixture.Label("rack", "")), fixture.Deployment(1, byRack), noRack},
		{"spread by label, has it not", spreadconstraint.Plugin{}, fixture.Cluster("m", fixture.At("p", "r", "z")), fixture.Deployment(1, byRack), noRack},
		{"spread by nothing means by cluster", spreadconstraint.Plugin{}, fixture.Cluster("m"), fixture.Deployment(1, spreadBy("")), ""},
	} {
		t.Run(c.plugin.Name()+"/"+c.name, func(t *testing.T) {
			s := snapshot.New(c.cluster)
			got := ""
			if check := c.plugin.Filter(t.Context(), framework.NewRequest(framework.Question{Spec: c.spec}, nil, s)); check != nil {
				if refusal := check(s.Get("m")); refusal != nil {
					got = refusal.Reason
					if refusal.Plugin != c.plugin.Name() {
						t.Errorf("refusal by %q, want %q", refusal.Plugin, c.plugin.Name())
					}
				}
			}
			if got != c.want {
				t.Errorf("refusal = %q, want %q", got, c.want)
			}
		})
	}
}

func TestAffinityGroup(t *testing.T) {
	group := &policyv1alpha1.ClusterAffinityTerm{
		AffinityName: "near", ClusterAffinity: fixture.Named("a"),
		OverflowAffinities: []policyv1alpha1.OverflowClusterAffinity{{AffinityName: "far", ClusterAffinity: fixture.Named("b")}},
	}
	s := snapshot.New(fixture.Cluster("a"), fixture.Cluster("b"), fixture.Cluster("c"))
	for _, c := range []struct {
		name string
		spec *workv1alpha2.ResourceBindingSpec
		want map[string]bool
	}{
		{"a workload may overflow", fixture.Deployment(1, placement{}), map[string]bool{"a": true, "b": true, "c": false}},
		{"what has no replicas may not", fixture.ConfigMap(placement{}), map[string]bool{"a": true, "b": false, "c": false}},
	} {
		t.Run(c.name, func(t *testing.T) {
			check := clusteraffinity.Plugin{}.Filter(t.Context(), framework.NewRequest(framework.Question{Spec: c.spec}, group, s))
			for name, want := range c.want {
				if got := check(s.Get(name)) == nil; got != want {
					t.Errorf("%s passes = %v, want %v", name, got, want)
				}
			}
		})
	}
}

func TestLocality(t *testing.T) {
	s := snapshot.New(fixture.Cluster("a"), fixture.Cluster("b"))
	placed := framework.NewRequest(framework.Question{Spec: fixture.Deployment(1, placement{}, fixture.On("a", 1))}, nil, s)
	score := clusterlocality.Plugin{}.Score(t.Context(), placed)
	if a, b := score(s.Get("a")), score(s.Get("b")); a != framework.MaxScore || b != 0 {
		t.Errorf("scores = %d where the workload is, %d elsewhere; want %d and 0", a, b, framework.MaxScore)
	}
	unplaced := framework.NewRequest(framework.Question{Spec: fixture.Deployment(1, placement{})}, nil, s)
	if score := (clusterlocality.Plugin{}).Score(t.Context(), unplaced); score != nil {
		t.Error("a workload that is nowhere yet is scored")
	}
}

func TestDefaultPlugins(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range plugins.Default() {
		if seen[p.Name()] {
			t.Errorf("%s is there twice", p.Name())
		}
		seen[p.Name()] = true
		_, filters := p.(framework.FilterPlugin)
		_, scores := p.(framework.ScorePlugin)
		if !filters && !scores {
			t.Errorf("%s neither filters nor scores", p.Name())
		}
	}
	for _, name := range []string{"APIEnablement", "TaintToleration", "ClusterAffinity", "SpreadConstraint", "ClusterLocality", "ClusterEviction",
		"Architecture", "PortConflict", "WorkloadAffinity", "WorkloadAntiAffinity", "StoragePinning"} {
		if !seen[name] {
			t.Errorf("%s is missing", name)
		}
	}
}
