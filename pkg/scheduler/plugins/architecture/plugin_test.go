package architecture_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"

	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/membership/capacity"
	"atoll.dev/atoll/pkg/scheduler/framework"
	. "atoll.dev/atoll/pkg/scheduler/internal/fixture"
	"atoll.dev/atoll/pkg/scheduler/plugins/architecture"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

const (
	arch     = "kubernetes.io/arch"
	os       = "kubernetes.io/os"
	betaArch = "beta.kubernetes.io/arch"
	betaOS   = "beta.kubernetes.io/os"
)

func node(architecture, system string, taints ...corev1.Taint) capacity.Node {
	return capacity.Node{Ready: true, Class: &capacity.Class{
		Labels: labels.Set{arch: architecture, os: system, betaArch: architecture, betaOS: system, "zone": "z1"}, Taints: taints}}
}

func taint(key string, effect corev1.TaintEffect) corev1.Taint {
	return corev1.Taint{Key: key, Effect: effect}
}

func selecting(kv ...string) *workv1alpha2.NodeClaim {
	claim := &workv1alpha2.NodeClaim{NodeSelector: map[string]string{}}
	for i := 0; i < len(kv); i += 2 {
		claim.NodeSelector[kv[i]] = kv[i+1]
	}
	return claim
}

func term(expressions ...corev1.NodeSelectorRequirement) corev1.NodeSelectorTerm {
	return corev1.NodeSelectorTerm{MatchExpressions: expressions}
}

func expr(key string, operator corev1.NodeSelectorOperator, values ...string) corev1.NodeSelectorRequirement {
	return corev1.NodeSelectorRequirement{Key: key, Operator: operator, Values: values}
}

func requiring(terms ...corev1.NodeSelectorTerm) *workv1alpha2.NodeClaim {
	return &workv1alpha2.NodeClaim{HardNodeAffinity: &corev1.NodeSelector{NodeSelectorTerms: terms}}
}

// "" is a cluster that passes, "-" a request about which the plugin has nothing to say.
func TestFilter(t *testing.T) {
	const (
		noArm   = "no node has kubernetes.io/arch=arm64"
		nothing = "-"
	)
	amd, arm, windows := node("amd64", "linux"), node("arm64", "linux"), node("amd64", "windows")
	mixed := []capacity.Node{amd, arm}
	tainted := []capacity.Node{amd, node("arm64", "linux", taint("arch", corev1.TaintEffectNoSchedule))}
	tolerating := selecting(arch, "arm64")
	tolerating.Tolerations = []corev1.Toleration{{Key: "arch", Operator: corev1.TolerationOpExists}}
	both := requiring(term(expr(arch, corev1.NodeSelectorOpIn, "arm64")))
	both.NodeSelector = map[string]string{os: "windows"}

	for _, c := range []struct {
		name  string
		nodes []capacity.Node // nil: nobody watches them
		claim *workv1alpha2.NodeClaim
		want  string
	}{
		{"no claim", mixed, nil, nothing},
		{"other labels only", mixed, selecting("zone", "z9"), nothing},
		{"selector fits", mixed, selecting(arch, "arm64"), ""},
		{"selector does not fit", []capacity.Node{amd}, selecting(arch, "arm64"), noArm},
		{"no nodes at all", []capacity.Node{}, selecting(arch, "arm64"), noArm},
		{"nodes unknown", nil, selecting(arch, "arm64"), ""},
		{"other labels do not count", mixed, selecting(arch, "arm64", "zone", "z9"), ""},
		{"operating system", mixed, selecting(os, "windows"), "no node has kubernetes.io/os=windows"},
		{"beta names", []capacity.Node{amd}, selecting(betaArch, "arm64", betaOS, "linux"), "no node has beta.kubernetes.io/arch=arm64 and beta.kubernetes.io/os=linux"},
		{"both on one node", []capacity.Node{arm, windows}, selecting(arch, "arm64", os, "windows"), "no node has kubernetes.io/arch=arm64 and kubernetes.io/os=windows"},
		{"affinity fits", mixed, requiring(term(expr(arch, corev1.NodeSelectorOpIn, "arm64", "s390x"))), ""},
		{"affinity does not fit", mixed, requiring(term(expr(arch, corev1.NodeSelectorOpIn, "ppc64le", "s390x"))), "no node has kubernetes.io/arch in (ppc64le,s390x)"},
		{"affinity excludes", []capacity.Node{amd}, requiring(term(expr(arch, corev1.NodeSelectorOpNotIn, "amd64"))), "no node has kubernetes.io/arch notin (amd64)"},
		{"one of two terms fits", []capacity.Node{arm}, requiring(term(expr(arch, corev1.NodeSelectorOpIn, "s390x")), term(expr(arch, corev1.NodeSelectorOpIn, "arm64"))), ""},
		{"neither of two terms", []capacity.Node{amd}, requiring(term(expr(arch, corev1.NodeSelectorOpIn, "s390x")), term(expr(arch, corev1.NodeSelectorOpIn, "arm64"))),
			"no node has kubernetes.io/arch=s390x or kubernetes.io/arch=arm64"},
		{"a term that takes any", []capacity.Node{amd}, requiring(term(expr(arch, corev1.NodeSelectorOpIn, "arm64")), term(expr("zone", corev1.NodeSelectorOpExists))), nothing},
		{"a term that takes none", []capacity.Node{amd}, requiring(term(), term(expr(arch, corev1.NodeSelectorOpIn, "arm64"))), noArm},
		{"selector and affinity", mixed, both, "no node has kubernetes.io/os=windows and kubernetes.io/arch=arm64"},
		{"what cannot be read", mixed, requiring(term(expr(arch, "Like", "arm64"))), nothing},
		{"taint", tainted, selecting(arch, "arm64"), noArm},
		{"taint tolerated", tainted, tolerating, ""},
		{"taint that only discourages", []capacity.Node{node("arm64", "linux", taint("arch", corev1.TaintEffectPreferNoSchedule))}, selecting(arch, "arm64"), ""},
		{"cordoned for now", []capacity.Node{node("arm64", "linux", taint("node.kubernetes.io/unschedulable", corev1.TaintEffectNoSchedule))}, selecting(arch, "arm64"), ""},
	} {
		for _, inComponent := range []bool{false, true} {
			name := c.name
			spec := Deployment(2, policyv1alpha1.Placement{})
			if inComponent {
				name += ", in a component"
				spec.ReplicaRequirements = nil
				spec.Components = []workv1alpha2.Component{{Name: "any", Replicas: 1}, {Name: "c", Replicas: 1, ReplicaRequirements: &workv1alpha2.ComponentReplicaRequirements{NodeClaim: c.claim}}}
			} else {
				spec.ReplicaRequirements.NodeClaim = c.claim
			}
			t.Run(name, func(t *testing.T) {
				if got := refusal(t, spec, c.nodes); got != c.want {
					t.Errorf("got %q, want %q", got, c.want)
				}
				if c.want == nothing {
					return
				}
				spec.Clusters = []workv1alpha2.TargetCluster{On("m", 2)}
				if got := refusal(t, spec, c.nodes); got != "" {
					t.Errorf("refused where it is: %q", got)
				}
			})
		}
	}
}

func TestComponentsMayDiffer(t *testing.T) {
	spec := Deployment(0, policyv1alpha1.Placement{})
	spec.Components = []workv1alpha2.Component{
		{Name: "a", ReplicaRequirements: &workv1alpha2.ComponentReplicaRequirements{NodeClaim: selecting(os, "linux")}},
		{Name: "b", ReplicaRequirements: &workv1alpha2.ComponentReplicaRequirements{NodeClaim: selecting(os, "windows")}},
	}
	if got := refusal(t, spec, []capacity.Node{node("amd64", "linux"), node("amd64", "windows")}); got != "" {
		t.Errorf("refused where each component finds a node: %q", got)
	}
	if got, want := refusal(t, spec, []capacity.Node{node("amd64", "linux")}), "no node has kubernetes.io/os=windows"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func refusal(t *testing.T, spec *workv1alpha2.ResourceBindingSpec, nodes []capacity.Node) string {
	t.Helper()
	s := snapshot.New(Cluster("m"))
	check := architecture.Plugin{}.Filter(t.Context(), framework.NewRequest(framework.Question{Spec: spec}, nil, s))
	if check == nil {
		return "-"
	}
	cluster := *s.Get("m")
	if nodes != nil {
		cluster.Nodes = &capacity.View{Nodes: nodes}
	}
	if refusal := check(&cluster); refusal != nil {
		return refusal.Reason
	}
	return ""
}

// A DaemonSet has no replicas, and so no requirements: what its pods need stands on the binding.
func TestWorkloadsWithoutReplicas(t *testing.T) {
	for value, want := range map[string]string{
		`{"nodeSelector":{"kubernetes.io/arch":"arm64"}}`: "no node has kubernetes.io/arch=arm64",
		`{"nodeSelector":{"kubernetes.io/arch":"amd64"}}`: "",
		`{`: "-",
		"":  "-",
	} {
		s := snapshot.New(Cluster("m"))
		s.Clusters()[0].Nodes = &capacity.View{Nodes: []capacity.Node{node("amd64", "linux")}}
		spec := Deployment(0, policyv1alpha1.Placement{})
		spec.ReplicaRequirements = nil
		r := framework.NewRequest(framework.Question{Spec: spec, Annotations: map[string]string{wellknown.PlatformAnnotation: value}}, nil, s)
		got := "-"
		if check := (architecture.Plugin{}).Filter(t.Context(), r); check != nil {
			got = ""
			if refused := check(s.Get("m")); refused != nil {
				got = refused.Reason
			}
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", value, got, want)
		}
	}
}
