//go:build kubernetes_protomessage_one_more_release

package remote_test

import (
	"context"
	"encoding/hex"
	"net"
	"os"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	"github.com/karmada-io/karmada/pkg/estimator/pb"

	"atoll.dev/atoll/pkg/scheduler/estimator/remote"
	"atoll.dev/atoll/pkg/scheduler/internal/fixture"
	"atoll.dev/atoll/pkg/scheduler/snapshot"
)

// The files in testdata are what Karmada's own types encode to. UPDATE=1 writes them.
func TestWireIsKarmadas(t *testing.T) {
	r := deployment().ReplicaRequirements
	claim := &pb.NodeClaim{NodeSelector: r.NodeClaim.NodeSelector}
	claim.MustSetNodeAffinity(r.NodeClaim.HardNodeAffinity).MustSetTolerations(r.NodeClaim.Tolerations)
	assumed := []*pb.AssumedWorkload{{Namespace: "default", Components: []*pb.Component{{Name: "claimed", Replicas: 4,
		ReplicaRequirements: (&pb.ComponentReplicaRequirements{}).MustSetResourceRequest(corev1.ResourceList{"cpu": resource.MustParse("1")})}}}}
	web, components := deployment().Resource, job().Components
	for method, m := range map[string]proto.Message{
		"MaxAvailableReplicas": &pb.MaxAvailableReplicasRequest{Cluster: "m1", AssumedWorkloads: assumed,
			ReplicaRequirements: (&pb.ReplicaRequirements{NodeClaim: claim, Namespace: r.Namespace, PriorityClassName: r.PriorityClassName}).MustSetResourceRequest(r.ResourceRequest)},
		"MaxAvailableComponentSets": &pb.MaxAvailableComponentSetsRequest{Cluster: "m1", AssumedWorkloads: assumed, Namespace: job().Resource.Namespace,
			Components: []*pb.Component{componentOf(components[0], claim), {Name: components[1].Name, Replicas: components[1].Replicas}}},
		"GetUnschedulableReplicas": &pb.UnschedulableReplicasRequest{Cluster: "m1", UnschedulableThreshold: int64(5 * time.Minute),
			Resource: &pb.ObjectReference{ApiVersion: web.APIVersion, Kind: web.Kind, Namespace: web.Namespace, Name: web.Name}},
	} {
		data, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		path, want := "testdata/"+method+".hex", hex.EncodeToString(data)+"\n"
		if os.Getenv("UPDATE") != "" {
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			t.Errorf("%s is\n%s (%v), want\n%s", path, got, err, want)
		}
	}
}

func componentOf(c workv1alpha2.Component, claim *pb.NodeClaim) *pb.Component {
	requirements := &pb.ComponentReplicaRequirements{NodeClaim: claim, PriorityClassName: c.ReplicaRequirements.PriorityClassName}
	return &pb.Component{Name: c.Name, Replicas: c.Replicas, ReplicaRequirements: requirements.MustSetResourceRequest(c.ReplicaRequirements.ResourceRequest)}
}

// A server that decodes into Karmada's types, by gRPC's own codec, understands what is asked.
func TestServerOfKarmadasTypes(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	got := make(chan *pb.MaxAvailableReplicasRequest, 1)
	g := grpc.NewServer()
	g.RegisterService(&grpc.ServiceDesc{ServiceName: "github.com.karmada_io.karmada.pkg.estimator.service.Estimator", HandlerType: (*any)(nil), Methods: []grpc.MethodDesc{{
		MethodName: "MaxAvailableReplicas",
		Handler: func(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
			request := &pb.MaxAvailableReplicasRequest{}
			if err := decode(request); err != nil {
				return nil, err
			}
			got <- request
			return &pb.MaxAvailableReplicasResponse{MaxReplicas: 12}, nil
		},
	}}}, t)
	done := make(chan struct{})
	go func() { defer close(done); _ = g.Serve(listener) }()
	defer func() { g.Stop(); <-done }()
	e := client(t, files{}, nil, func(o *remote.Options) { o.Plaintext = true })
	answer, err := e.Estimate(t.Context(), deployment(), snapshot.New(fixture.Cluster("m1", at(listener.Addr().String()))).Clusters())
	if err != nil || answer[0] != 12 {
		t.Fatalf("estimate %v, %v; want 12", answer, err)
	}
	request := (<-got).ReplicaRequirements
	resources, err := request.UnmarshalResourceRequest()
	if want := deployment().ReplicaRequirements; err != nil || !equality.Semantic.DeepEqual(resources, want.ResourceRequest) || request.Namespace != want.Namespace {
		t.Errorf("the server read %v in %q (%v), want %v in %q", resources, request.Namespace, err, want.ResourceRequest, want.Namespace)
	}
	affinity, err := request.NodeClaim.UnmarshalNodeAffinity()
	if want := deployment().ReplicaRequirements.NodeClaim.HardNodeAffinity; err != nil || !equality.Semantic.DeepEqual(affinity, want) {
		t.Errorf("the server read affinity %v (%v), want %v", affinity, err, want)
	}
}
