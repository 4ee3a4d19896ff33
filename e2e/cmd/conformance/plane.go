package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/yaml"

	"atoll.dev/atoll/e2e/testbed"
)

// plane is Atoll with its members, prepared for the suite.
type plane struct {
	atoll      *testbed.Atoll
	bed        *testbed.Bed
	kubeconfig string // with the contexts that the suite uses
}

// startPlane starts Atoll and members below dir, joins them and prepares what
// the suite expects to find.
func startPlane(ctx context.Context, dir string, members int, progress io.Writer) (_ *plane, err error) {
	p := &plane{kubeconfig: filepath.Join(dir, "karmada.kubeconfig")}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.stop())
		}
	}()
	if p.bed, err = testbed.Start(ctx, testbed.Options{Dir: filepath.Join(dir, "members"), Members: members, Progress: progress}); err != nil {
		return nil, err
	}
	if p.atoll, err = testbed.StartAtoll(ctx, testbed.AtollOptions{DataDir: filepath.Join(dir, "data")}); err != nil {
		return nil, err
	}
	fmt.Fprintf(progress, "atolld: ready after %s\n", p.atoll.ReadyAfter.Round(10*time.Millisecond))
	for _, member := range p.bed.Members {
		if err := p.atoll.CLI(ctx, "join", member.Name, "--cluster-kubeconfig", member.Kubeconfig, "--rbac=admin").Err(); err != nil {
			return nil, err
		}
		fmt.Fprintf(progress, "%s: joined\n", member.Name)
	}
	if err := p.installCRDs(ctx); err != nil {
		return nil, err
	}
	if err := p.letSuiteRead(ctx); err != nil {
		return nil, err
	}
	if err := p.awaitClusters(ctx); err != nil {
		return nil, err
	}
	return p, p.writeKubeconfig()
}

func (p *plane) stop() error {
	var errs []error
	if p.atoll != nil {
		errs = append(errs, p.atoll.Close())
	}
	if p.bed != nil {
		errs = append(errs, p.bed.Stop())
	}
	return errors.Join(errs...)
}

// installCRDs creates the CRDs that specs use without installing them: the
// example workload everywhere, those of multi-cluster services in the control
// plane. They are created, not applied: specs update them and do not expect
// another field manager.
func (p *plane) installCRDs(ctx context.Context) error {
	karmadaDir, err := testbed.ModuleDir(ctx, karmada)
	if err != nil {
		return err
	}
	mcsDir, err := testbed.ModuleDir(ctx, "sigs.k8s.io/mcs-api")
	if err != nil {
		return err
	}
	workload := filepath.Join(karmadaDir, "examples", "customresourceinterpreter", "apis", "workload.example.io_workloads.yaml")
	files := []string{workload}
	for _, kind := range []string{"serviceexports", "serviceimports"} {
		files = append(files, filepath.Join(mcsDir, "config", "crd", "multicluster.x-k8s.io_"+kind+".yaml"))
	}
	if err := createCRDs(ctx, p.atoll.RestConfig, files...); err != nil {
		return fmt.Errorf("control plane: %w", err)
	}
	for _, member := range p.bed.Members {
		if err := createCRDs(ctx, member.RestConfig, workload); err != nil {
			return fmt.Errorf("%s: %w", member.Name, err)
		}
	}
	return nil
}

// letSuiteRead gives the identity of the control plane the right to read everything in the members.
// The suite looks into members with that identity and gives up when it is forbidden to, which it is
// until the control plane has dispatched the first object of a new kind.
func (p *plane) letSuiteRead(ctx context.Context) error {
	meta := metav1.ObjectMeta{Name: "conformance-suite"}
	role := &rbacv1.ClusterRole{ObjectMeta: meta, Rules: []rbacv1.PolicyRule{
		{Verbs: []string{"get", "list", "watch"}, APIGroups: []string{"*"}, Resources: []string{"*"}}}}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: meta,
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: meta.Name},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.GroupKind, Name: "system:serviceaccounts:atoll-system"}},
	}
	for _, member := range p.bed.Members {
		client, err := kubernetes.NewForConfig(member.RestConfig)
		if err != nil {
			return err
		}
		if _, err := client.RbacV1().ClusterRoles().Create(ctx, role, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("%s: %w", member.Name, err)
		}
		if _, err := client.RbacV1().ClusterRoleBindings().Create(ctx, binding, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("%s: %w", member.Name, err)
		}
	}
	return nil
}

func createCRDs(ctx context.Context, config *rest.Config, files ...string) error {
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return err
	}
	crds := client.Resource(schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"})
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		crd := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(data, &crd.Object); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if _, err := crds.Create(ctx, crd, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("creating %s: %w", crd.GetName(), err)
		}
	}
	return nil
}

// awaitClusters waits until all members are Ready with the workload's API among
// their enablements.
func (p *plane) awaitClusters(ctx context.Context) error {
	client, err := dynamic.NewForConfig(p.atoll.RestConfig)
	if err != nil {
		return err
	}
	clusters := client.Resource(schema.GroupVersionResource{Group: "cluster.karmada.io", Version: "v1alpha1", Resource: "clusters"})
	return testbed.Eventually(ctx, time.Minute, "the members to be ready", func(ctx context.Context) error {
		for _, member := range p.bed.Members {
			cluster, err := clusters.Get(ctx, member.Name, metav1.GetOptions{})
			if err != nil {
				return err
			}
			if !ready(cluster) {
				return fmt.Errorf("%s is not Ready", member.Name)
			}
			if !enables(cluster, "workload.example.io/v1alpha1") {
				return fmt.Errorf("%s does not list workload.example.io/v1alpha1 in status.apiEnablements", member.Name)
			}
		}
		return nil
	})
}

func ready(cluster *unstructured.Unstructured) bool {
	conditions, _, _ := unstructured.NestedSlice(cluster.Object, "status", "conditions")
	for _, c := range conditions {
		if c, ok := c.(map[string]any); ok && c["type"] == "Ready" && c["status"] == "True" {
			return true
		}
	}
	return false
}

func enables(cluster *unstructured.Unstructured, groupVersion string) bool {
	enablements, _, _ := unstructured.NestedSlice(cluster.Object, "status", "apiEnablements")
	for _, e := range enablements {
		if e, ok := e.(map[string]any); ok && e["groupVersion"] == groupVersion {
			return true
		}
	}
	return false
}

// writeKubeconfig gives the control plane the two names that the suite knows:
// karmada-apiserver and, where Karmada itself would run, karmada-host.
func (p *plane) writeKubeconfig() error {
	config, err := clientcmd.LoadFromFile(p.atoll.Kubeconfig)
	if err != nil {
		return err
	}
	current := config.Contexts[config.CurrentContext]
	if current == nil {
		return fmt.Errorf("%s has no current context", p.atoll.Kubeconfig)
	}
	for _, name := range []string{"karmada-host", "karmada-apiserver"} {
		config.Contexts[name] = current.DeepCopy()
	}
	config.CurrentContext = "karmada-apiserver"
	return clientcmd.WriteToFile(*config, p.kubeconfig)
}
