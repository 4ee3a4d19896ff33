package validation

import (
	"math"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/karmada-io/karmada/pkg/apis/cluster"
	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
)

func TestCluster(t *testing.T) {
	for name, c := range map[string]struct {
		edit  func(*cluster.Cluster)
		wants []string
	}{
		"minimal":          {func(*cluster.Cluster) {}, nil},
		"longest name":     {func(c *cluster.Cluster) { c.Name = strings.Repeat("a", 48) }, nil},
		"name too long":    {func(c *cluster.Cluster) { c.Name = strings.Repeat("a", 49) }, []string{"metadata.name: must be no more than 48"}},
		"name with a dot":  {func(c *cluster.Cluster) { c.Name = "a.b" }, []string{"metadata.name: must not contain dots"}},
		"no mode":          {func(c *cluster.Cluster) { c.Spec.SyncMode = "" }, []string{"spec.syncMode: must be one of Push, Pull"}},
		"unknown mode":     {func(c *cluster.Cluster) { c.Spec.SyncMode = "Pish" }, []string{`spec.syncMode: supported values: "Push", "Pull"`}},
		"id too long":      {func(c *cluster.Cluster) { c.Spec.ID = strings.Repeat("a", 128001) }, []string{"spec.id: more than 128000 bytes"}},
		"endpoint":         {func(c *cluster.Cluster) { c.Spec.APIEndpoint = "https://10.0.0.1:6443/base" }, nil},
		"endpoint no URL":  {func(c *cluster.Cluster) { c.Spec.APIEndpoint = "10.0.0.1:6443" }, []string{"spec.apiEndpoint: such as https://10.0.0.1:6443"}},
		"endpoint no host": {func(c *cluster.Cluster) { c.Spec.APIEndpoint = "https:///a" }, []string{"spec.apiEndpoint: with a host"}},
		"endpoint query":   {func(c *cluster.Cluster) { c.Spec.APIEndpoint = "https://a?b=c" }, []string{"spec.apiEndpoint: no query"}},
		"endpoint part":    {func(c *cluster.Cluster) { c.Spec.APIEndpoint = "https://a#b" }, []string{"spec.apiEndpoint: no fragment"}},
		"endpoint user":    {func(c *cluster.Cluster) { c.Spec.APIEndpoint = "https://u:secret@a" }, []string{"spec.apiEndpoint: no user"}},
		"proxy":            {func(c *cluster.Cluster) { c.Spec.ProxyURL = "socks5://u:secret@10.0.0.1:1080" }, nil},
		"proxy scheme":     {func(c *cluster.Cluster) { c.Spec.ProxyURL = "ftp://u:secret@a" }, []string{"spec.proxyURL: http, https or socks5"}},
		"proxy no URL":     {func(c *cluster.Cluster) { c.Spec.ProxyURL = "http://u:secret@a:b" }, []string{"spec.proxyURL: http, https or socks5"}},
		"secret":           {func(c *cluster.Cluster) { c.Spec.SecretRef = &cluster.LocalSecretReference{} }, []string{"spec.secretRef.namespace: Required", "spec.secretRef.name: Required"}},
		"impersonator": {func(c *cluster.Cluster) { c.Spec.ImpersonatorSecretRef = &cluster.LocalSecretReference{Namespace: "a"} },
			[]string{"spec.impersonatorSecretRef.name: Required"}},
		"place": {func(c *cluster.Cluster) {
			c.Spec.Provider, c.Spec.Region, c.Spec.Zones = "a/b", "c/d", []string{"e", "f/g"}
		},
			[]string{"spec.provider: a/b", "spec.region: c/d", "spec.zones[1]: f/g"}},
		"estimator": {func(c *cluster.Cluster) {
			c.Annotations = map[string]string{"scheduler.atoll.dev/estimator": "[::1]:10352"}
		}, nil},
		"no estimator": {func(c *cluster.Cluster) { c.Annotations = map[string]string{"scheduler.atoll.dev/estimator": "none"} }, nil},
		"estimator no port": {func(c *cluster.Cluster) {
			c.Annotations = map[string]string{"scheduler.atoll.dev/estimator": "m1.example.org"}
		}, []string{"metadata.annotations[scheduler.atoll.dev/estimator]: host:port"}},
		"zone and zones": {func(c *cluster.Cluster) { c.Spec.Zone, c.Spec.Zones = "a", []string{"b"} }, []string{"spec.zone: together with zones"}},
		"taints": {func(c *cluster.Cluster) {
			c.Spec.Taints = []corev1.Taint{{Key: "a", Effect: "NoSchedule"}, {Key: "a", Effect: "NoSchedule"}, {Key: "b", Effect: "PreferNoSchedule"}, {Key: "c d", Value: "e f", Effect: "NoExecute"}, {Key: "g"}}
		}, []string{"spec.taints[1]: Duplicate", `spec.taints[2].effect: supported values: "NoSchedule", "NoExecute"`, "spec.taints[3].key: c d", "spec.taints[3].value: e f", "spec.taints[4].effect: must be one of"}},
	} {
		t.Run(name, func(t *testing.T) {
			obj := &cluster.Cluster{ObjectMeta: metav1.ObjectMeta{Name: "member1"}, Spec: cluster.ClusterSpec{SyncMode: cluster.Push}}
			c.edit(obj)
			errs := Cluster(obj)
			expect(t, errs, c.wants...)
			for _, err := range errs {
				if strings.Contains(err.Error(), "secret@") {
					t.Errorf("the refusal holds a password: %v", err)
				}
			}
		})
	}
}

func TestClusterResourceModels(t *testing.T) {
	type ranges = []cluster.ResourceModelRange
	cpu := func(min, max int64) cluster.ResourceModelRange {
		return cluster.ResourceModelRange{Name: corev1.ResourceCPU, Min: *resource.NewQuantity(min, resource.DecimalSI), Max: *resource.NewQuantity(max, resource.DecimalSI)}
	}
	memory := func(min, max int64) cluster.ResourceModelRange {
		r := cpu(min, max)
		r.Name = corev1.ResourceMemory
		return r
	}
	const end = math.MaxInt64
	for name, c := range map[string]struct {
		models []cluster.ResourceModel
		wants  []string
	}{
		"contiguous":  {[]cluster.ResourceModel{{Grade: 0, Ranges: ranges{cpu(0, 1)}}, {Grade: 1, Ranges: ranges{cpu(1, end)}}}, nil},
		"one":         {[]cluster.ResourceModel{{Ranges: ranges{cpu(0, end), memory(0, end)}}}, nil},
		"no range":    {[]cluster.ResourceModel{{}}, []string{"spec.resourceModels[0].ranges: at least one"}},
		"gap":         {[]cluster.ResourceModel{{Grade: 0, Ranges: ranges{cpu(0, 1)}}, {Grade: 1, Ranges: ranges{cpu(2, end)}}}, []string{"spec.resourceModels[1].ranges[0].min: must be max of the model before, 1"}},
		"same grade":  {[]cluster.ResourceModel{{Grade: 1, Ranges: ranges{cpu(0, 1)}}, {Grade: 1, Ranges: ranges{cpu(1, end)}}}, []string{"spec.resourceModels[1].grade: Duplicate"}},
		"other names": {[]cluster.ResourceModel{{Grade: 0, Ranges: ranges{cpu(0, 1)}}, {Grade: 1, Ranges: ranges{memory(1, end)}}}, []string{"spec.resourceModels[1].ranges[0].name: must be cpu"}},
		"more names":  {[]cluster.ResourceModel{{Grade: 0, Ranges: ranges{cpu(0, 1)}}, {Grade: 1, Ranges: ranges{cpu(1, end), memory(1, end)}}}, []string{"spec.resourceModels[1].ranges: which has 1"}},
		"empty range": {[]cluster.ResourceModel{{Grade: 0, Ranges: ranges{cpu(0, 0)}}, {Grade: 1, Ranges: ranges{cpu(0, end)}}}, []string{"spec.resourceModels[0].ranges[0].max: greater than min"}},
		"not closed":  {[]cluster.ResourceModel{{Grade: 0, Ranges: ranges{cpu(1, 2)}}}, []string{"spec.resourceModels[0].ranges[0].min: must be 0", "spec.resourceModels[0].ranges[0].max: must be 9223372036854775807"}},
	} {
		t.Run(name, func(t *testing.T) {
			obj := &cluster.Cluster{ObjectMeta: metav1.ObjectMeta{Name: "member1"}, Spec: cluster.ClusterSpec{SyncMode: cluster.Push, ResourceModels: c.models}}
			expect(t, Cluster(obj), c.wants...)
		})
	}
}

func TestClusterTaintPolicy(t *testing.T) {
	p := &policyv1alpha1.ClusterTaintPolicy{Spec: policyv1alpha1.ClusterTaintPolicySpec{
		AddOnConditions: []policyv1alpha1.MatchCondition{{ConditionType: "Ready", Operator: "Equals", StatusValues: []metav1.ConditionStatus{"Maybe"}}},
		Taints:          []policyv1alpha1.Taint{{Key: "a", Effect: corev1.TaintEffectNoExecute}, {Key: "a", Effect: corev1.TaintEffectNoExecute}},
	}}
	wants := []string{`spec.addOnConditions[0].operator: supported values: "In", "NotIn"`, `spec.addOnConditions[0].statusValues[0]: supported values: "True", "False", "Unknown"`, "spec.taints[1]: Duplicate"}
	expect(t, ClusterTaintPolicy(p, true), wants...)
	expect(t, ClusterTaintPolicy(p, false), append(wants, "spec.taints[0].effect: NoExecute is not allowed", "spec.taints[1].effect: NoExecute is not allowed")...)
}
