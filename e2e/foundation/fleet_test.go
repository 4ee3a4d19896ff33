package foundation

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	karmadaclient "github.com/karmada-io/karmada/pkg/generated/clientset/versioned"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"atoll.dev/atoll/e2e/testbed"
)

// joined is how many members belong to the fleet's server; the one after them
// is spare.
const joined = 3

// timeout bounds waits for what takes milliseconds when it works.
const timeout = 60 * time.Second

// fleet is set by TestMain and only read by tests.
var fleet struct {
	bed     *testbed.Bed
	atoll   *testbed.Atoll
	plane   clients
	members []member // those joined
	spare   member
}

// clients talk to one API server.
type clients struct {
	kube    kubernetes.Interface
	dynamic dynamic.Interface
	karmada karmadaclient.Interface
}

type member struct {
	*testbed.Member
	clients
}

func TestMain(m *testing.M) {
	code, err := runWithFleet(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func runWithFleet(m *testing.M) (code int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	if err := testbed.Build(ctx, os.Stderr, "member", "karmadactl"); err != nil {
		return 0, err
	}
	if fleet.bed, err = testbed.Start(ctx, testbed.Options{Members: joined + 1, Audit: true, Progress: os.Stderr}); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, fleet.bed.Stop()) }()
	if fleet.atoll, err = testbed.StartAtoll(ctx, testbed.AtollOptions{}); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, fleet.atoll.Close()) }()
	if fleet.plane, err = newClients(fleet.atoll.RestConfig); err != nil {
		return 0, err
	}
	for i, started := range fleet.bed.Members {
		c, err := newClients(started.RestConfig)
		if err != nil {
			return 0, err
		}
		if i == joined {
			fleet.spare = member{started, c}
			break
		}
		fleet.members = append(fleet.members, member{started, c})
		if err := join(ctx, started).Err(); err != nil {
			return 0, err
		}
	}
	if err := awaitReady(ctx, fleet.bed.Members[:joined]...); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

func newClients(config *rest.Config) (clients, error) {
	kube, err := kubernetes.NewForConfig(config)
	if err != nil {
		return clients{}, err
	}
	dynamicClient, err := dynamic.NewForConfig(config)
	if err != nil {
		return clients{}, err
	}
	karmada, err := karmadaclient.NewForConfig(config)
	return clients{kube, dynamicClient, karmada}, err
}

func join(ctx context.Context, m *testbed.Member, flags ...string) testbed.Result {
	return fleet.atoll.CLI(ctx, append([]string{"join", m.Name, "--cluster-kubeconfig", m.Kubeconfig}, flags...)...)
}

// awaitReady waits until the Clusters of the members are Ready.
func awaitReady(ctx context.Context, members ...*testbed.Member) error {
	for _, m := range members {
		err := testbed.Eventually(ctx, timeout, "cluster "+m.Name, func(ctx context.Context) error {
			cluster, err := fleet.plane.karmada.ClusterV1alpha1().Clusters().Get(ctx, m.Name, metav1.GetOptions{})
			if err != nil {
				return err
			}
			for _, condition := range cluster.Status.Conditions {
				if condition.Type == "Ready" && condition.Status == metav1.ConditionTrue {
					return nil
				}
			}
			return fmt.Errorf("conditions %+v, want Ready", cluster.Status.Conditions)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// joinSpare joins the spare member until the end of the test.
func joinSpare(t *testing.T) member {
	t.Helper()
	must(t, join(t.Context(), fleet.spare.Member).Err())
	t.Cleanup(func() { must(t, unjoin(fleet.spare.Name).Err()) })
	must(t, awaitReady(t.Context(), fleet.spare.Member))
	return fleet.spare
}

func unjoin(name string) testbed.Result {
	return fleet.atoll.CLI(context.Background(), "unjoin", name)
}

// newNamespace creates a namespace in the control plane until the end of the test.
func newNamespace(t *testing.T) string {
	t.Helper()
	created, err := fleet.plane.kube.CoreV1().Namespaces().Create(t.Context(),
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "e2e-"}}, metav1.CreateOptions{})
	must(t, err)
	t.Cleanup(func() {
		err := fleet.plane.kube.CoreV1().Namespaces().Delete(context.Background(), created.Name, metav1.DeleteOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			t.Errorf("cleaning up: %v", err)
		}
	})
	return created.Name
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func eventually(t *testing.T, what string, check func(context.Context) error) {
	t.Helper()
	must(t, testbed.Eventually(t.Context(), timeout, what, check))
}

// onEach checks a condition on all joined members.
func onEach(check func(context.Context, member) error) func(context.Context) error {
	return func(ctx context.Context) error {
		for _, m := range fleet.members {
			if err := check(ctx, m); err != nil {
				return fmt.Errorf("%s: %w", m.Name, err)
			}
		}
		return nil
	}
}
