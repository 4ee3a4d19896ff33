package foundation

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"

	"atoll.dev/atoll/e2e/testbed"
)

// TestJoinAndUnjoin takes the spare member in, twice, and out again, and looks
// at what is left in it and in the control plane.
func TestJoinAndUnjoin(t *testing.T) {
	m := fleet.spare
	before := traces(t, m)
	planeBefore := planeTraces(t)

	joined := join(t.Context(), m.Member)
	must(t, joined.Err())
	t.Cleanup(func() { unjoin(m.Name) })
	if !strings.Contains(joined.Stdout+joined.Stderr, "atoll ") && !strings.Contains(joined.Stdout+joined.Stderr, "kubectl ") {
		t.Errorf("join printed %q, want the next command in it", joined.Stdout+joined.Stderr)
	}
	must(t, awaitReady(t.Context(), m.Member))
	ownership, err := m.kube.CoreV1().ConfigMaps("atoll-system").Get(t.Context(), "ownership", metav1.GetOptions{})
	must(t, err)
	plane, err := fleet.plane.kube.CoreV1().ConfigMaps("atoll-system").Get(t.Context(), "plane", metav1.GetOptions{})
	must(t, err)
	if !maps.Equal(ownership.Data, plane.Data) || len(ownership.Data) != 3 {
		t.Errorf("ownership in the member: %v, want the control plane's %v", ownership.Data, plane.Data)
	}
	must(t, join(t.Context(), m.Member).Err())

	namespace := newNamespace(t)
	createPolicy(t, namespace, policy("all", duplicated(m.Name), selectKind("v1", "ConfigMap")))
	_, err = fleet.plane.kube.CoreV1().ConfigMaps(namespace).Create(t.Context(), configMap("x", "1"), metav1.CreateOptions{})
	must(t, err)
	eventually(t, "the joined member to get an object", func(ctx context.Context) error {
		return hasValue(ctx, m, namespace, "x", "1")
	})

	must(t, unjoin(m.Name).Err())
	eventually(t, "the member to be as before", func(context.Context) error { return same(traces(t, m), before) })
	eventually(t, "the control plane to be as before", func(context.Context) error { return same(planeTraces(t), planeBefore) })
}

// TestJoinRefused runs joins that must fail and leave nothing behind.
func TestJoinRefused(t *testing.T) {
	other, err := testbed.StartAtoll(t.Context(), testbed.AtollOptions{})
	must(t, err)
	t.Cleanup(func() { must(t, other.Close()) })
	plane, err := fleet.plane.kube.CoreV1().ConfigMaps("atoll-system").Get(t.Context(), "plane", metav1.GetOptions{})
	must(t, err)
	first := fleet.members[0]
	dir := t.TempDir()

	for _, test := range []struct {
		name  string
		plane *testbed.Atoll
		args  []string
		wants []string
	}{
		{"no kubeconfig file", fleet.atoll, []string{"new", "--cluster-kubeconfig", filepath.Join(dir, "none")}, []string{filepath.Join(dir, "none")}},
		{"a file that is no kubeconfig", fleet.atoll, []string{"new", "--cluster-kubeconfig", write(t, dir, "garbage", "{not: [a kubeconfig")}, []string{"garbage"}},
		{"a context that does not exist", fleet.atoll, []string{"new", "--cluster-kubeconfig", fleet.spare.Kubeconfig, "--cluster-context", "elsewhere"}, []string{"elsewhere"}},
		{"credentials that the member refuses", fleet.atoll, []string{"new", "--cluster-kubeconfig", altered(t, dir, "stranger", func(k *kubeconfigParts) { k.useCredentialsOf(t, first.Kubeconfig) })}, []string{"new"}},
		{"nothing at the member's address", fleet.atoll, []string{"new", "--cluster-kubeconfig", altered(t, dir, "unreachable", func(k *kubeconfigParts) { k.server = "https://127.0.0.1:1" })}, []string{"127.0.0.1:1"}},
		{"a name that belongs to another cluster", fleet.atoll, []string{first.Name, "--cluster-kubeconfig", fleet.spare.Kubeconfig}, []string{first.Name}},
		{"a cluster that has another name", fleet.atoll, []string{"second", "--cluster-kubeconfig", first.Kubeconfig}, []string{first.Name}},
		{"a member of another control plane", other, []string{first.Name, "--cluster-kubeconfig", first.Kubeconfig}, []string{plane.Data["planeUID"]}},
		{"a name that is none", fleet.atoll, []string{"Not_A_Name", "--cluster-kubeconfig", fleet.spare.Kubeconfig}, []string{"Not_A_Name"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			planeBefore, spareBefore, firstBefore := planeTraces(t), traces(t, fleet.spare), traces(t, first)
			r := test.plane.CLI(t.Context(), append([]string{"join"}, test.args...)...)
			if r.Code == 0 {
				t.Errorf("exit code 0: %s", r.Stdout+r.Stderr)
			}
			oneSentence(t, r.Stderr, test.wants...)
			must(t, same(planeTraces(t), planeBefore))
			must(t, same(traces(t, fleet.spare), spareBefore))
			must(t, same(traces(t, first), firstBefore))
		})
	}
	clusters, err := newClients(other.RestConfig)
	must(t, err)
	list, err := clusters.karmada.ClusterV1alpha1().Clusters().List(t.Context(), metav1.ListOptions{})
	must(t, err)
	if len(list.Items) != 0 {
		t.Errorf("the other control plane holds %d clusters after being refused", len(list.Items))
	}
	must(t, awaitReady(t.Context(), first.Member))
}

// TestStatusCommand reads the tree of a template.
func TestStatusCommand(t *testing.T) {
	namespace := newNamespace(t)
	createPolicy(t, namespace, policy("everywhere", duplicated("member1", "member2"), selectKind("apps/v1", "Deployment")))
	_, err := fleet.plane.kube.AppsV1().Deployments(namespace).Create(t.Context(), deployment("web", 1), metav1.CreateOptions{})
	must(t, err)
	eventually(t, "the sum", statusIs(namespace, "web", 2))
	bad := deployment("bad", 1)
	bad.Spec.Template.Spec.Containers[0].Image = testbed.FakeImagePrefix + "web"
	_, err = fleet.plane.kube.AppsV1().Deployments(namespace).Create(t.Context(), bad, metav1.CreateOptions{})
	must(t, err)

	for name, wants := range map[string][]string{
		"deployment/web": {"everywhere", "web-deployment", "member1", "member2"},
		"deployment/bad": {"everywhere", "bad-deployment", "member1", "member2", "0 of 1"},
	} {
		eventually(t, "atoll status "+name, func(ctx context.Context) error {
			r := fleet.atoll.CLI(ctx, "status", name, "-n", namespace)
			if err := r.Err(); err != nil {
				return err
			}
			for _, want := range wants {
				if !strings.Contains(r.Stdout, want) {
					return fmt.Errorf("no %q in:\n%s", want, r.Stdout)
				}
			}
			return nil
		})
	}
	r := fleet.atoll.CLI(t.Context(), "status", "deployment/none", "-n", namespace)
	if r.Code == 0 {
		t.Error("status of what does not exist: exit code 0")
	}
	oneSentence(t, r.Stderr, "none", "not found")
}

// traces lists what a control plane could leave in a member, with its labels
// and data: namespaces, cluster roles and their bindings, service accounts and
// config maps of atoll-system.
func traces(t *testing.T, m member) map[string]string {
	t.Helper()
	found := map[string]string{}
	namespaces, err := m.kube.CoreV1().Namespaces().List(t.Context(), metav1.ListOptions{})
	must(t, err)
	for _, n := range namespaces.Items {
		if strings.HasPrefix(n.Name, "atoll") || strings.HasPrefix(n.Name, "karmada") {
			found["namespace "+n.Name] = string(n.Status.Phase)
		}
	}
	roles, err := m.kube.RbacV1().ClusterRoles().List(t.Context(), metav1.ListOptions{})
	must(t, err)
	for _, r := range roles.Items {
		if strings.Contains(r.Name, "atoll") || strings.Contains(r.Name, "karmada") {
			found["role "+r.Name] = fmt.Sprint(r.Labels, r.Rules)
		}
	}
	bindings, err := m.kube.RbacV1().ClusterRoleBindings().List(t.Context(), metav1.ListOptions{})
	must(t, err)
	for _, b := range bindings.Items {
		if strings.Contains(b.Name, "atoll") || strings.Contains(b.Name, "karmada") {
			found["binding "+b.Name] = fmt.Sprint(b.Labels, b.Subjects)
		}
	}
	accounts, err := m.kube.CoreV1().ServiceAccounts("atoll-system").List(t.Context(), metav1.ListOptions{})
	must(t, err)
	for _, a := range accounts.Items {
		found["service account "+a.Name] = string(a.UID)
	}
	ownership, err := m.kube.CoreV1().ConfigMaps("atoll-system").Get(t.Context(), "ownership", metav1.GetOptions{})
	if err == nil {
		found["ownership"] = fmt.Sprint(ownership.Data)
	} else if !apierrors.IsNotFound(err) {
		t.Fatal(err)
	}
	return found
}

// planeTraces lists what a join leaves in the fleet's control plane.
func planeTraces(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	clusters, err := fleet.plane.karmada.ClusterV1alpha1().Clusters().List(t.Context(), metav1.ListOptions{})
	must(t, err)
	for _, c := range clusters.Items {
		found["cluster "+c.Name] = fmt.Sprint(c.UID, c.Spec.ID, c.Spec.APIEndpoint)
	}
	secrets, err := fleet.plane.kube.CoreV1().Secrets("karmada-cluster").List(t.Context(), metav1.ListOptions{})
	must(t, err)
	for _, s := range secrets.Items {
		found["secret "+s.Name] = string(s.UID)
	}
	namespaces, err := fleet.plane.kube.CoreV1().Namespaces().List(t.Context(), metav1.ListOptions{})
	must(t, err)
	for _, n := range namespaces.Items {
		if strings.HasPrefix(n.Name, "karmada-es-") {
			found["namespace "+n.Name] = string(n.Status.Phase)
		}
	}
	return found
}

func same(got, want map[string]string) error {
	var differences []string
	for name, value := range got {
		if was, ok := want[name]; !ok {
			differences = append(differences, "left behind: "+name)
		} else if was != value {
			differences = append(differences, "changed: "+name+" from "+was+" to "+value)
		}
	}
	for name := range want {
		if _, ok := got[name]; !ok {
			differences = append(differences, "gone: "+name)
		}
	}
	if len(differences) == 0 {
		return nil
	}
	return fmt.Errorf("%s", strings.Join(differences, "; "))
}

func hasValue(ctx context.Context, m member, namespace, name, value string) error {
	var copied *corev1.ConfigMap
	copied, err := m.kube.CoreV1().ConfigMaps(namespace).Get(ctx, name, metav1.GetOptions{})
	if err == nil && copied.Data["value"] != value {
		err = fmt.Errorf("%s/%s has %q, want %q", namespace, name, copied.Data["value"], value)
	}
	return err
}

// kubeconfigParts are what altered kubeconfigs differ in.
type kubeconfigParts struct {
	server    string
	cert, key []byte
}

func (k *kubeconfigParts) useCredentialsOf(t *testing.T, kubeconfig string) {
	t.Helper()
	config, err := clientcmd.LoadFromFile(kubeconfig)
	must(t, err)
	user := config.AuthInfos[config.Contexts[config.CurrentContext].AuthInfo]
	k.cert, k.key = user.ClientCertificateData, user.ClientKeyData
}

// altered writes a kubeconfig of the spare member with something changed.
func altered(t *testing.T, dir, name string, change func(*kubeconfigParts)) string {
	t.Helper()
	config, err := clientcmd.LoadFromFile(fleet.spare.Kubeconfig)
	must(t, err)
	current := config.Contexts[config.CurrentContext]
	cluster, user := config.Clusters[current.Cluster], config.AuthInfos[current.AuthInfo]
	parts := kubeconfigParts{cluster.Server, user.ClientCertificateData, user.ClientKeyData}
	change(&parts)
	cluster.Server, user.ClientCertificateData, user.ClientKeyData = parts.server, parts.cert, parts.key
	path := filepath.Join(dir, name)
	must(t, clientcmd.WriteToFile(*config, path))
	return path
}

func write(t *testing.T, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	must(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}
