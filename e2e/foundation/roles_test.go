package foundation

import (
	"context"
	"path/filepath"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"atoll.dev/atoll/e2e/testbed"
)

// TestRoles runs the roles of the server as processes of their own over an
// external etcd with TLS, and replaces scheduler and controllers while they
// work: nothing may rely on sharing a process.
func TestRoles(t *testing.T) {
	etcd, err := testbed.StartEtcd(t.Context(), testbed.EtcdOptions{Dir: filepath.Join(t.TempDir(), "etcd"), TLS: true})
	must(t, err)
	t.Cleanup(func() { must(t, etcd.Close()) })
	atoll, err := testbed.StartAtoll(t.Context(), testbed.AtollOptions{
		DataDir: filepath.Join(t.TempDir(), "data"), Role: "apiserver",
		ExtraArgs: []string{"--etcd-servers", etcd.Endpoint, "--etcd-cafile", etcd.CAFile, "--etcd-certfile", etcd.CertFile, "--etcd-keyfile", etcd.KeyFile},
	})
	must(t, err)
	t.Cleanup(func() { must(t, atoll.Close()) })
	start := func(role string, number int) *testbed.Process {
		own := filepath.Join(atoll.DataDir, "pki", role+".kubeconfig") // its own user: it has to do with its own rights
		p, err := atoll.StartRole(role, number, "--kubeconfig", own, "--data-dir", atoll.DataDir)
		must(t, err)
		return p
	}
	scheduler, controllers := start("scheduler", 1), start("controllers", 1)

	m := fleet.spare
	must(t, atoll.CLI(t.Context(), "join", m.Name, "--cluster-kubeconfig", m.Kubeconfig).Err())
	t.Cleanup(func() { must(t, atoll.CLI(context.Background(), "unjoin", m.Name).Err()) })
	c, err := newClients(atoll.RestConfig)
	must(t, err)
	_, err = c.karmada.PolicyV1alpha1().PropagationPolicies("default").Create(t.Context(),
		policy("all", duplicated(), selectKind("apps/v1", "Deployment")), metav1.CreateOptions{})
	must(t, err)
	propagates := func(name string) {
		t.Helper()
		_, err := c.kube.AppsV1().Deployments("default").Create(t.Context(), deployment(name, 1), metav1.CreateOptions{})
		must(t, err)
		eventually(t, name+" in the member", runs(m, "default", name, 1))
	}
	propagates("first")

	// A second one of each stands by; it takes over when the leader dies.
	start("scheduler", 2)
	start("controllers", 2)
	must(t, scheduler.Kill())
	must(t, controllers.Kill())
	propagates("after-takeover")
}
