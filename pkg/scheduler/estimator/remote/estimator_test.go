package remote_test

import (
	"context"
	"encoding/hex"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	testclock "k8s.io/utils/clock/testing"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/scheduler/estimator"
	"atoll.dev/atoll/pkg/scheduler/estimator/remote"
	"atoll.dev/atoll/pkg/scheduler/internal/fixture"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

func at(address string) fixture.ClusterOption {
	return func(c *clusterv1alpha1.Cluster) {
		c.Annotations = map[string]string{wellknown.EstimatorAnnotation: address}
	}
}

func answers(n int32) func(context.Context, call) (int32, error) {
	return func(context.Context, call) (int32, error) { return n, nil }
}

// client makes an estimator that trusts f and shows its certificate.
func client(t *testing.T, f files, members *estimator.Members, alter ...func(*remote.Options)) *remote.Estimator {
	t.Helper()
	o := remote.Options{CAFile: f.ca, CertFile: f.cert, KeyFile: f.key}
	for _, a := range alter {
		a(&o)
	}
	e, err := remote.New(o, members)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

// deployment asks for everything that a question can hold.
func deployment() *workv1alpha2.ResourceBindingSpec {
	spec := fixture.Deployment(10, policyv1alpha1.Placement{})
	spec.ReplicaRequirements = &workv1alpha2.ReplicaRequirements{
		Namespace: "team-a", PriorityClassName: "high",
		ResourceRequest: corev1.ResourceList{"cpu": resource.MustParse("250m"), "memory": resource.MustParse("1Gi"), "nvidia.com/gpu": resource.MustParse("2")},
		NodeClaim: &workv1alpha2.NodeClaim{
			NodeSelector: map[string]string{"disk": "ssd", "arch": "arm64"},
			Tolerations:  []corev1.Toleration{{Key: "gpu", Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoSchedule}, {Key: "spot", Value: "true"}},
			HardNodeAffinity: &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
				MatchExpressions: []corev1.NodeSelectorRequirement{{Key: "zone", Operator: corev1.NodeSelectorOpIn, Values: []string{"a", "b"}}}}}},
		},
	}
	return spec
}

// job is a workload of two components.
func job() *workv1alpha2.ResourceBindingSpec {
	claim := deployment().ReplicaRequirements
	return &workv1alpha2.ResourceBindingSpec{
		Resource: workv1alpha2.ObjectReference{APIVersion: "flink.apache.org/v1beta1", Kind: "FlinkDeployment", Namespace: "team-b", Name: "stream"},
		Components: []workv1alpha2.Component{
			{Name: "jobmanager", Replicas: 1, ReplicaRequirements: &workv1alpha2.ComponentReplicaRequirements{
				ResourceRequest: claim.ResourceRequest, NodeClaim: claim.NodeClaim, PriorityClassName: "low"}},
			{Name: "taskmanager", Replicas: 3},
		},
	}
}

func TestWhoIsAsked(t *testing.T) {
	f := issue(t)
	five, seven := serve(t, f, answers(5)), serve(t, f, answers(7))
	clusters := snapshot.New(fixture.Cluster("a", at(five.address)), fixture.Cluster("b"), fixture.Cluster("c", at(seven.address)), fixture.Cluster("d", at("none"))).Clusters()
	e := client(t, f, nil)
	got, err := e.Estimate(t.Context(), deployment(), clusters)
	if want := []int32{5, estimator.Unlimited, 7, estimator.Unlimited}; err != nil || !slices.Equal(got, want) {
		t.Errorf("estimate %v, %v; want %v", got, err, want)
	}
	if calls := five.received(); len(calls) != 1 || calls[0].method != "MaxAvailableReplicas" || calls[0].object != "[kind=Deployment, name=default/web]" {
		t.Errorf("the server got %+v", calls)
	}
	explained := e.Explain(t.Context(), deployment(), clusters)
	if len(explained[0]) != 1 || explained[0][0] != (estimator.Answer{Estimator: "SchedulerEstimator", Replicas: 5, Limit: "the estimator in the member, at " + five.address}) {
		t.Errorf("explained as %+v", explained[0])
	}
	if len(explained[1]) != 0 || len(explained[3]) != 0 {
		t.Errorf("members without an estimator are explained: %+v", explained)
	}
}

// What goes over the wire is byte for byte what Karmada's own client sends; the files
// in testdata are checked against it under the build tag that its types need.
func TestWire(t *testing.T) {
	f := issue(t)
	s := serve(t, f, answers(3))
	c := snapshot.New(fixture.Cluster("m1", at(s.address))).Clusters()
	members := &estimator.Members{}
	e := client(t, f, members)
	claimed := fixture.Deployment(4, policyv1alpha1.Placement{})
	claimed.ReplicaRequirements.ResourceRequest = corev1.ResourceList{"cpu": resource.MustParse("1")}
	if _, ok := members.Claim(claimed, []estimator.Take{{Cluster: c[0], Replicas: 4}}, false); !ok {
		t.Fatal("no claim")
	}
	for _, spec := range []*workv1alpha2.ResourceBindingSpec{deployment(), job()} {
		if got, err := e.Estimate(t.Context(), spec, c); err != nil || got[0] != 3 {
			t.Fatalf("estimate %v, %v; want 3", got, err)
		}
	}
	n, asked, err := e.Unschedulable(t.Context(), c[0], deployment().Resource, 5*time.Minute)
	if err != nil || !asked || n != 3 {
		t.Fatalf("unschedulable %d, %v, %v; want 3", n, asked, err)
	}
	for i, method := range []string{"MaxAvailableReplicas", "MaxAvailableComponentSets", "GetUnschedulableReplicas"} {
		got := s.received()[i]
		want, err := os.ReadFile("testdata/" + method + ".hex")
		if err != nil {
			t.Error(err)
		}
		if got.method != method || hex.EncodeToString(got.body) != strings.TrimSpace(string(want)) {
			t.Errorf("call %d is %s\n%x\nwant %s\n%s", i, got.method, got.body, method, want)
		}
	}
}

func TestSlowEstimatorIsLeftOut(t *testing.T) {
	f := issue(t)
	slow := serve(t, f, func(ctx context.Context, _ call) (int32, error) {
		<-ctx.Done()
		return 0, ctx.Err()
	})
	quick := serve(t, f, answers(2))
	clusters := snapshot.New(fixture.Cluster("a", at(slow.address)), fixture.Cluster("b", at(quick.address))).Clusters()
	clock := testclock.NewFakePassiveClock(time.Unix(1_700_000_000, 0))
	e := client(t, f, nil, func(o *remote.Options) { o.Timeout, o.Backoff, o.Clock = 300*time.Millisecond, 10*time.Second, clock })
	want := []int32{estimator.Unlimited, 2}
	for range 3 {
		if got, err := e.Estimate(t.Context(), deployment(), clusters); err != nil || !slices.Equal(got, want) {
			t.Fatalf("estimate %v, %v; want %v", got, err, want)
		}
	}
	if n := len(slow.received()); n != 1 {
		t.Errorf("the slow estimator was asked %d times, want once", n)
	}
	a := e.Explain(t.Context(), deployment(), clusters)[0][0]
	if why := "left out: no answer from " + slow.address + " within 300ms, asked again after 22:13:30"; a.Replicas != estimator.Unlimited || a.Limit != why {
		t.Errorf("explained as %+v, want %q", a, why)
	}
	clock.SetTime(clock.Now().Add(10 * time.Second))
	if _, err := e.Estimate(t.Context(), deployment(), clusters); err != nil || len(slow.received()) != 2 {
		t.Errorf("%v; it was asked %d times after the time that it is left out, want twice in all", err, len(slow.received()))
	}
}

func TestDeadEstimatorIsLeftOutUntilItLives(t *testing.T) {
	f := issue(t)
	s := serve(t, f, answers(4))
	clusters := snapshot.New(fixture.Cluster("a", at(s.address))).Clusters()
	clock := testclock.NewFakePassiveClock(time.Unix(1_700_000_000, 0))
	e := client(t, f, nil, func(o *remote.Options) { o.Clock = clock })
	estimate := func() int32 {
		t.Helper()
		got, err := e.Estimate(t.Context(), deployment(), clusters)
		if err != nil {
			t.Fatal(err)
		}
		clock.SetTime(clock.Now().Add(time.Minute))
		return got[0]
	}
	if got := estimate(); got != 4 {
		t.Fatalf("estimate %d, want 4", got)
	}
	s.stop()
	if got := estimate(); got != estimator.Unlimited {
		t.Errorf("a dead estimator answers %d", got)
	}
	serveAt(t, s.address, f, answers(6))
	deadline := time.Now().Add(20 * time.Second) // the connection is made anew after a second or so
	for got := estimate(); got != 6; got = estimate() {
		if time.Now().After(deadline) {
			t.Fatalf("estimate %d, want 6: the estimator lives again", got)
		}
	}
}

func TestAnswersThatCount(t *testing.T) {
	f := issue(t)
	for _, c := range []struct {
		name   string
		answer func(context.Context, call) (int32, error)
		want   int32
		limit  string
	}{
		{"nothing fits", answers(0), 0, "the estimator in the member"},
		{"it cannot tell", answers(-1), estimator.Unlimited, "left out: it cannot tell"},
		{"it fails", func(context.Context, call) (int32, error) { return 0, status.Error(codes.Unknown, "boom\nstack") }, estimator.Unlimited, "answers Unknown: boom…"},
		{"an old one that knows no components", func(context.Context, call) (int32, error) {
			return 0, status.Error(codes.Unimplemented, "unknown method")
		}, estimator.Unlimited, "answers Unimplemented: unknown method"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t, f, c.answer)
			clusters := snapshot.New(fixture.Cluster("a", at(s.address))).Clusters()
			e := client(t, f, nil)
			for range 2 { // an error that comes at once is no reason to ask less
				a := e.Explain(t.Context(), job(), clusters)[0][0]
				if a.Replicas != c.want || !strings.Contains(a.Limit, c.limit) {
					t.Errorf("answer %+v, want %d because %q", a, c.want, c.limit)
				}
			}
			if len(s.received()) != 2 {
				t.Errorf("asked %d times, want twice", len(s.received()))
			}
		})
	}
}

func TestStrangersAreNotTrusted(t *testing.T) {
	trusted, stranger := issue(t), issue(t)
	for _, c := range []struct {
		name           string
		server, client files
		want           int32
	}{
		{"both from one CA", trusted, trusted, 5},
		{"the estimator shows another CA's certificate", files{ca: trusted.ca, cert: stranger.cert, key: stranger.key}, trusted, estimator.Unlimited},
		{"the scheduler shows another CA's certificate", trusted, files{ca: trusted.ca, cert: stranger.cert, key: stranger.key}, estimator.Unlimited},
		{"the estimator serves without TLS", files{}, trusted, estimator.Unlimited},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t, c.server, answers(5))
			e := client(t, c.client, nil)
			got, err := e.Estimate(t.Context(), deployment(), snapshot.New(fixture.Cluster("a", at(s.address))).Clusters())
			if err != nil || got[0] != c.want {
				t.Errorf("estimate %v, %v; want %d", got, err, c.want)
			}
		})
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	f := issue(t)
	s := serve(t, f, answers(5))
	var objects []*clusterv1alpha1.Cluster
	for _, name := range []string{"a", "b", "c", "d"} {
		objects = append(objects, fixture.Cluster(name, at(s.address)))
	}
	e := client(t, f, nil, func(o *remote.Options) { o.MaxConnections = 2 })
	for _, c := range snapshot.New(objects...).Clusters() {
		if got, err := e.Estimate(t.Context(), deployment(), []*snapshot.Cluster{c}); err != nil || got[0] != 5 {
			t.Errorf("estimate %v, %v; want 5", got, err)
		}
	}
	if n := e.Connections(); n != 2 {
		t.Errorf("%d connections are kept, want 2", n)
	}
}

func TestClaimsStayWithinAnswers(t *testing.T) {
	f := issue(t)
	s := serve(t, f, answers(5))
	c := snapshot.New(fixture.Cluster("a", at(s.address), fixture.Pods(100)), fixture.Cluster("b", fixture.Pods(100))).Clusters()
	members := &estimator.Members{}
	e := client(t, f, members)
	claim := func(n int32) bool {
		_, ok := members.Claim(deployment(), []estimator.Take{{Cluster: c[0], Replicas: n}}, true)
		return ok
	}
	lowest := func(spec *workv1alpha2.ResourceBindingSpec) {
		estimator.Lowest(t.Context(), []estimator.Estimator{members, e}, spec, c[:1])
	}
	c[0].Room["cpu"], c[0].Room["memory"], c[0].Room["nvidia.com/gpu"] = 1e9, 1e15, 1e6
	lowest(deployment())
	if !claim(3) || claim(3) {
		t.Error("the estimator answered 5: of two claims of 3 the first holds, the second does not")
	}
	other := deployment()
	other.ReplicaRequirements.ResourceRequest = nil
	if members.Claim(other, []estimator.Take{{Cluster: c[0], Replicas: 1}}, false); claim(1) {
		t.Error("nobody can tell what the estimator would answer after a claim of something else")
	}
	lowest(deployment())
	if !claim(1) {
		t.Error("the estimator has answered anew: a claim of 1 holds")
	}
}

func TestOptions(t *testing.T) {
	f := issue(t)
	for _, c := range []struct {
		name    string
		options remote.Options
		want    string
	}{
		{"no CA", remote.Options{}, "estimator CA file: it is empty"},
		{"CA that is not there", remote.Options{CAFile: "/nowhere"}, "estimator CA file: open /nowhere"},
		{"CA without a certificate", remote.Options{CAFile: f.key}, "has no certificate"},
		{"certificate without a key", remote.Options{CAFile: f.ca, CertFile: f.cert}, "name both files or neither"},
		{"key that is no key", remote.Options{CAFile: f.ca, CertFile: f.cert, KeyFile: f.ca}, "estimator certificate:"},
		{"plaintext with a CA", remote.Options{CAFile: f.ca, Plaintext: true}, "plaintext excludes"},
		{"port", remote.Options{CAFile: f.ca, Port: 70000}, "70000 is no port"},
		{"timeout", remote.Options{CAFile: f.ca, Timeout: -1}, "is negative"},
	} {
		if _, err := remote.New(c.options, nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func TestAddressThatIsNone(t *testing.T) {
	e := client(t, issue(t), nil)
	c := snapshot.New(fixture.Cluster("a", at("estimator"))).Clusters()
	a := e.Explain(t.Context(), deployment(), c)[0][0]
	if want := `left out: annotation scheduler.atoll.dev/estimator: "estimator" is no address; give host:port, or "none"`; a.Limit != want || a.Replicas != estimator.Unlimited {
		t.Errorf("explained as %+v, want %q", a, want)
	}
}
