package extension

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	karmadaclient "github.com/karmada-io/karmada/pkg/generated/clientset/versioned"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"atoll.dev/atoll/e2e/testbed"
)

const (
	timeout     = 30 * time.Second
	maintenance = "example.com/maintenance"
	cost        = "example.com/cost"
)

// configuration turns the plugins on, with labels that are not their defaults.
const configuration = `
apiVersion: config.atoll.dev/v1alpha1
kind: ServerConfiguration
scheduler:
  plugins:
    enabled:
    - {name: MaintenanceWindow, args: {label: ` + maintenance + `, value: now}}
    - {name: LowestCost, weight: 3, args: {label: ` + cost + `, highest: 50}}
`

// TestPluginsDecide has workloads ask for one of three clusters. Without the
// plugins each of them would go to the first by name, which is the dearest; so does
// the one that asks for a second scheduler, which runs apart and without them.
func TestPluginsDecide(t *testing.T) {
	bin := buildOutside(t)
	t.Run("a configuration that a plugin refuses stops the start", func(t *testing.T) { refusedArgs(t, bin) })

	p := startPlane(t, bin, configuration)
	p.startScheduler("careless")
	p.addCluster("a-dear", map[string]string{cost: "40"})
	p.addCluster("b-fair", map[string]string{cost: "20"})
	p.addCluster("c-cheap", map[string]string{cost: "5"})

	p.deploy("first", anyOne(), "")
	p.placed("first", "c-cheap")

	p.label("c-cheap", maintenance, "now")
	p.deploy("second", anyOne(), "")
	p.placed("second", "b-fair")
	p.deploy("careless", anyOne(), "careless")
	p.placed("careless", "a-dear")
	p.deploy("waiting", only("c-cheap"), "")
	p.unplaced("waiting", "in maintenance (example.com/maintenance=now)")
	p.placed("first", "c-cheap") // maintenance sends nothing away

	p.label("c-cheap", maintenance, "over")
	p.placed("waiting", "c-cheap")
}

func refusedArgs(t *testing.T, bin string) {
	atoll, err := testbed.NewAtoll(testbed.AtollOptions{BinDir: bin, DataDir: filepath.Join(t.TempDir(), "data"),
		ExtraArgs: []string{"--config", write(t, strings.Replace(configuration, "highest: 50", "highest: 0", 1))}})
	must(t, err)
	t.Cleanup(func() { must(t, atoll.Close()) })
	must(t, atoll.Start())
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	code, err := atoll.Wait(ctx)
	must(t, err)
	const want = `scheduler.plugins.enabled[1].args: Invalid value: "{\"highest\":0,\"label\":\"example.com/cost\"}": highest is 0: must be from 1 to 1000000`
	if code == 0 || !strings.Contains(atoll.LogTail(3), want) {
		t.Errorf("exit code %d and\n%s\nwant a failure and %s", code, atoll.LogTail(3), want)
	}
}

// plane is a running control plane.
type plane struct {
	*testing.T
	atoll   *testbed.Atoll
	kube    kubernetes.Interface
	karmada karmadaclient.Interface
}

func startPlane(t *testing.T, bin, configuration string) *plane {
	t.Helper()
	atoll, err := testbed.StartAtoll(t.Context(), testbed.AtollOptions{
		BinDir: bin, DataDir: filepath.Join(t.TempDir(), "data"), ExtraArgs: []string{"--config", write(t, configuration)},
	})
	must(t, err)
	t.Cleanup(func() { must(t, atoll.Close()) })
	kube, err := kubernetes.NewForConfig(atoll.RestConfig)
	must(t, err)
	karmada, err := karmadaclient.NewForConfig(atoll.RestConfig)
	must(t, err)
	return &plane{t, atoll, kube, karmada}
}

// startScheduler starts a scheduler of another name, without plugins from outside, as a process of its own.
func (p *plane) startScheduler(name string) {
	p.Helper()
	_, err := p.atoll.StartRole("scheduler", 1, "--kubeconfig", filepath.Join(p.atoll.DataDir, "pki", "scheduler.kubeconfig"),
		"--config", write(p.T, "apiVersion: config.atoll.dev/v1alpha1\nkind: ServerConfiguration\nscheduler: {schedulerName: "+name+"}\n"))
	must(p.T, err)
}

func (p *plane) addCluster(name string, labels map[string]string) {
	p.Helper()
	clusters := p.karmada.ClusterV1alpha1().Clusters()
	created, err := clusters.Create(p.Context(), &clusterv1alpha1.Cluster{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}, Spec: clusterv1alpha1.ClusterSpec{SyncMode: clusterv1alpha1.Pull},
	}, metav1.CreateOptions{})
	must(p.T, err)
	status := `{"status":{"apiEnablements":[{"groupVersion":"v1","resources":[{"name":"configmaps","kind":"ConfigMap"}]}]}}`
	_, err = clusters.Patch(p.Context(), created.Name, types.MergePatchType, []byte(status), metav1.PatchOptions{}, "status")
	must(p.T, err)
}

func (p *plane) label(cluster, label, value string) {
	p.Helper()
	patch := fmt.Appendf(nil, `{"metadata":{"labels":{%q:%q}}}`, label, value)
	_, err := p.karmada.ClusterV1alpha1().Clusters().Patch(p.Context(), cluster, types.MergePatchType, patch, metav1.PatchOptions{})
	must(p.T, err)
}

func anyOne() policyv1alpha1.Placement {
	return policyv1alpha1.Placement{
		// Nobody reports the health of these clusters.
		ClusterTolerations: []corev1.Toleration{{Operator: corev1.TolerationOpExists}},
		SpreadConstraints:  []policyv1alpha1.SpreadConstraint{{SpreadByField: policyv1alpha1.SpreadByFieldCluster, MinGroups: 1, MaxGroups: 1}},
	}
}

func only(cluster string) policyv1alpha1.Placement {
	placement := anyOne()
	placement.ClusterAffinity = &policyv1alpha1.ClusterAffinity{ClusterNames: []string{cluster}}
	return placement
}

// deploy creates a ConfigMap and a policy for it, under the default scheduler if none is named.
func (p *plane) deploy(name string, placement policyv1alpha1.Placement, scheduler string) {
	p.Helper()
	_, err := p.karmada.PolicyV1alpha1().PropagationPolicies("default").Create(p.Context(), &policyv1alpha1.PropagationPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: policyv1alpha1.PropagationSpec{
			ResourceSelectors: []policyv1alpha1.ResourceSelector{{APIVersion: "v1", Kind: "ConfigMap", Name: name}}, Placement: placement, SchedulerName: scheduler,
		},
	}, metav1.CreateOptions{})
	must(p.T, err)
	_, err = p.kube.CoreV1().ConfigMaps("default").Create(p.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
	must(p.T, err)
}

func (p *plane) placed(name, cluster string) {
	p.Helper()
	p.eventually(name+" in "+cluster, func(ctx context.Context) error {
		b, err := p.karmada.WorkV1alpha2().ResourceBindings("default").Get(ctx, name+"-configmap", metav1.GetOptions{})
		if err == nil && (len(b.Spec.Clusters) != 1 || b.Spec.Clusters[0].Name != cluster) {
			err = fmt.Errorf("clusters %v, want %s", b.Spec.Clusters, cluster)
		}
		return err
	})
}

// unplaced wants the reason that the binding is given to contain a message.
func (p *plane) unplaced(name, message string) {
	p.Helper()
	p.eventually(name+" to be told why it waits", func(ctx context.Context) error {
		b, err := p.karmada.WorkV1alpha2().ResourceBindings("default").Get(ctx, name+"-configmap", metav1.GetOptions{})
		if err != nil {
			return err
		}
		condition := meta.FindStatusCondition(b.Status.Conditions, "Scheduled")
		if condition == nil || condition.Status != metav1.ConditionFalse || !strings.Contains(condition.Message, message) || len(b.Spec.Clusters) > 0 {
			return fmt.Errorf("clusters %v, condition %+v, want …%s…", b.Spec.Clusters, condition, message)
		}
		return nil
	})
}

func (p *plane) eventually(what string, check func(context.Context) error) {
	p.Helper()
	must(p.T, testbed.Eventually(p.Context(), timeout, what, check))
}

func write(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	must(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
