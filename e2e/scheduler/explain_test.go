package scheduler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"atoll.dev/atoll/e2e/testbed"
)

const deploymentManifest = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: %[1]s, namespace: default}
spec:
  replicas: %[2]d
  selector: {matchLabels: {app: %[1]s}}
  template:
    metadata: {labels: {app: %[1]s}}
    spec: {containers: [{name: web, image: nginx, resources: {requests: {cpu: 100m}}}]}
---
apiVersion: policy.karmada.io/v1alpha1
kind: PropagationPolicy
metadata: {name: %[1]s, namespace: default}
spec:
  resourceSelectors: [{apiVersion: apps/v1, kind: Deployment, name: %[1]s}]
  placement: %[3]s
`

const twoToOne = `
    replicaScheduling:
      replicaSchedulingType: Divided
      replicaDivisionPreference: Weighted
      weightPreference:
        staticWeightList:
        - {targetCluster: {clusterNames: [member1]}, weight: 2}
        - {targetCluster: {clusterNames: [member2]}, weight: 1}`

// answer is what this test looks at in the JSON of an answer.
type answer struct {
	Phase     string
	Workloads []struct {
		Result     string
		Now        []clusterReplicas
		Placement  []clusterReplicas
		Candidates []struct {
			Cluster, Share string
			Weight         int
		}
	}
}

type clusterReplicas struct {
	Cluster  string
	Replicas int
}

func decode(t *testing.T, r testbed.Result) answer {
	t.Helper()
	var a answer
	must(t, json.Unmarshal([]byte(r.Stdout), &a))
	return a
}

func TestWhy(t *testing.T) {
	atoll(t, 0, "apply", "-f", file(t, fmt.Sprintf(deploymentManifest, "why", 4, twoToOne)))
	eventually(t, "True", "get", "rb", "why-deployment", "-o", `jsonpath={.status.conditions[?(@.type=="Scheduled")].status}`)
	for _, name := range [][]string{{"deployment/why"}, {"deploy", "why"}, {"rb/why-deployment"}} {
		contains(t, atoll(t, 0, append([]string{"why"}, name...)...).Stdout,
			"Deployment default/why: placed on member1 (3), member2 (1)",
			"PropagationPolicy/default/why", "ResourceBinding/default/why-deployment", "StaticWeight",
			"Clusters that fit (2 of 2)", "WEIGHT", "SHARE",
			"How replicas are divided", "4 replicas are divided by static weight",
			"Last decisions", "+member1:3 +member2:1", "it had not been placed before")
	}
	a := decode(t, atoll(t, 0, "why", "deployment/why", "-o", "json"))
	if a.Phase != "Completed" || len(a.Workloads) != 1 || a.Workloads[0].Result != "Placed" || len(a.Workloads[0].Candidates) != 2 {
		t.Errorf("the answer is %+v", a)
	}
	for _, c := range a.Workloads[0].Candidates {
		if want := map[string]string{"member1": "2.667", "member2": "1.333"}[c.Cluster]; c.Share != want {
			t.Errorf("the share of %s is %s, want %s", c.Cluster, c.Share, want)
		}
	}
	contains(t, atoll(t, 2, "why", "pp/why").Stderr, "is a policy and is not placed itself")
}

// TestWhyNot wants condition, event and explanation of what fits nowhere to agree.
func TestWhyNot(t *testing.T) {
	const placement = `{clusterAffinity: {labelSelector: {matchLabels: {tier: gold}}}}`
	const short = "0/2 clusters fit: 2 outside the cluster affinity"
	atoll(t, 0, "apply", "-f", file(t, fmt.Sprintf(deploymentManifest, "whynot", 1, placement)))
	eventually(t, short, "get", "rb", "whynot-deployment", "-o", `jsonpath={.status.conditions[?(@.type=="Scheduled")].message}`)
	eventually(t, short, "get", "events", "--field-selector", "involvedObject.name=whynot,reason=ScheduleBindingFailed")
	r := atoll(t, 8, "why", "deployment/whynot")
	contains(t, r.Stdout, "not placed: "+short, "Clusters that do not fit (2 of 2)", "ClusterAffinity", "member1, member2", "What would help", "label the cluster")
	contains(t, r.Stderr, "it cannot be placed")

	// What it says would help does.
	contains(t, atoll(t, 0, "simulate", "-f", file(t, fmt.Sprintf(deploymentManifest, "whynot", 1, placement)), "--set-cluster", "member2.labels.tier=gold").Stdout,
		"Deployment default/whynot", "member2", "+1", "1 of 1 workloads can be placed")
	must(t, fleet.kubectl.Run(t.Context(), "label", "cluster", "member2", "tier=gold").Err())
	t.Cleanup(func() { must(t, fleet.kubectl.Run(context.Background(), "label", "cluster", "member2", "tier-").Err()) })
	eventually(t, "member2", "get", "rb", "whynot-deployment", "-o", "jsonpath={.spec.clusters[*].name}")
}

func TestSimulate(t *testing.T) {
	manifest := file(t, fmt.Sprintf(deploymentManifest, "simulated", 4, twoToOne))
	// New: from files alone.
	a := decode(t, atoll(t, 0, "simulate", "-f", manifest, "-o", "json"))
	if got := fmt.Sprint(a.Workloads[0].Now, a.Workloads[0].Placement); got != "[] [{member1 3} {member2 1}]" {
		t.Errorf("now and placement are %s", got)
	}
	if r := fleet.kubectl.Run(t.Context(), "get", "deployment,pp", "-o", "name"); strings.Contains(r.Stdout, "simulated") {
		t.Errorf("a simulation made %s", r.Stdout)
	}
	// A change of what is there.
	atoll(t, 0, "apply", "-f", manifest)
	eventually(t, "member2", "get", "rb", "simulated-deployment", "-o", "jsonpath={.spec.clusters[*].name}")
	before := fleet.kubectl.Run(t.Context(), "get", "rb", "simulated-deployment", "-o", "jsonpath={.spec}").Stdout
	contains(t, atoll(t, 0, "simulate", "-f", manifest, "--fail", "member1").Stdout,
		"WORKLOAD", "CLUSTER", "REPLICAS", "NOW", "CHANGE", "member1", "-", "3", "-3", "member2", "4", "1", "+3", "1 of 1 workloads can be placed")
	contains(t, atoll(t, 0, "simulate", "-f", manifest, "--replicas", "8").Stdout, "member1", "5", "3", "+2", "member2", "3", "1", "+2")
	contains(t, atoll(t, 8, "simulate", "-f", manifest, "--fail", "member1,member2").Stdout, "cannot be placed", "0/0 clusters fit")
	if after := fleet.kubectl.Run(t.Context(), "get", "rb", "simulated-deployment", "-o", "jsonpath={.spec}").Stdout; after != before {
		t.Errorf("simulations changed the binding from %s to %s", before, after)
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"-f", manifest, "--fail", "member9"}, 1, `cluster "member9" does not exist; there are: member1, member2`},
		{[]string{"-f", manifest, "--set-cluster", "member1"}, 2, "want CLUSTER.FIELD=VALUE"},
		{[]string{"-f", manifest, "--replicas", "-1"}, 2, "must not be negative"},
		{nil, 2, "-f is missing"},
		{[]string{"-f", manifest, "--as", "bob"}, 5, "placementreviews"},
	} {
		contains(t, atoll(t, c.code, append([]string{"simulate"}, c.args...)...).Stderr, c.want)
	}
	// Nothing stays behind.
	if r := fleet.kubectl.Run(t.Context(), "get", "placementreviews", "-o", "name"); r.Code != 0 || strings.TrimSpace(r.Stdout) != "" {
		t.Errorf("questions that stayed: %s%s", r.Stdout, r.Stderr)
	}
}

func TestPlacementReviewIsExplained(t *testing.T) {
	r := fleet.kubectl.Run(t.Context(), "explain", "plr.spec.simulate.changes.clusters")
	must(t, r.Err())
	contains(t, r.Stdout, "FIELDS", "fail", "takes the cluster away")
	r = fleet.kubectl.Run(t.Context(), "create", "-f", file(t, "apiVersion: scheduling.atoll.dev/v1alpha1\nkind: PlacementReview\nmetadata: {name: bad}\nspec: {}\n"))
	contains(t, r.Stderr, "spec", "must set exactly one of binding, template and simulate")
}

// TestWithoutScheduler asks an API server that no scheduler runs beside, then starts one, as a process of its own.
func TestWithoutScheduler(t *testing.T) {
	server, err := testbed.StartAtoll(t.Context(), testbed.AtollOptions{DataDir: filepath.Join(t.TempDir(), "data"), Role: "apiserver"})
	must(t, err)
	t.Cleanup(func() { must(t, server.Close()) })
	kubectl, err := testbed.Kubectl(server.Kubeconfig)
	must(t, err)
	questions := func(ctx context.Context) string {
		return strings.TrimSpace(kubectl.Run(ctx, "get", "placementreviews", "-o", "name").Stdout)
	}
	manifest := file(t, fmt.Sprintf(deploymentManifest, "web", 1, "{}"))

	r := server.CLI(t.Context(), "simulate", "-f", manifest, "--timeout", "500ms")
	if r.Code != 7 {
		t.Errorf("exit code %d, want 7", r.Code)
	}
	contains(t, r.Stderr, "no scheduler answered within 500ms", "kubectl get lease -n atoll-system atoll-scheduler")
	if left := questions(t.Context()); left != "" {
		t.Errorf("a question that nobody answered stayed: %s", left)
	}

	ctx, interrupt := context.WithCancel(t.Context())
	ended := make(chan testbed.Result, 1)
	go func() { ended <- server.CLI(ctx, "simulate", "-f", manifest, "--timeout", "5m") }()
	must(t, testbed.Eventually(t.Context(), timeout, "the question", func(ctx context.Context) error {
		if questions(ctx) == "" {
			return errors.New("it is not there")
		}
		return nil
	}))
	interrupt()
	<-ended
	if left := questions(t.Context()); left != "" {
		t.Errorf("a question that was interrupted stayed: %s", left)
	}

	_, err = server.StartRole("scheduler", 1, "--kubeconfig", filepath.Join(server.DataDir, "pki", "scheduler.kubeconfig"), "--data-dir", server.DataDir)
	must(t, err)
	r = server.CLI(t.Context(), "simulate", "-f", manifest, "--timeout", time.Minute.String())
	if r.Code != 8 {
		t.Errorf("exit code %d, want 8\n%s", r.Code, r.Stderr)
	}
	contains(t, r.Stdout, "cannot be placed", "no cluster has joined", "join a cluster")
}
