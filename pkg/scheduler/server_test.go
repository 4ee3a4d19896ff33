package scheduler_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"go.etcd.io/etcd/server/v3/embed"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	servertesting "k8s.io/apiextensions-apiserver/pkg/cmd/server/testing"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"

	"atoll.dev/atoll/apis"
	schedulingv1alpha1 "atoll.dev/atoll/apis/scheduling/v1alpha1"
)

const patience = 30 * time.Second

// kubeconfig satisfies an API server that wants to delegate authentication; nobody is asked.
const kubeconfig = `apiVersion: v1
kind: Config
clusters: [{name: nobody, cluster: {server: "http://127.0.0.1:1"}}]
contexts: [{name: nobody, context: {cluster: nobody, user: nobody}}]
current-context: nobody
users: [{name: nobody, user: {}}]
`

func TestMain(m *testing.M) {
	ctrl.SetLogger(logr.Discard())
	klog.SetLogger(logr.Discard())
	os.Exit(m.Run())
}

// server is an API server with clusters and bindings as custom resources, over an etcd of its own.
type server struct {
	config *rest.Config
	client.Client
	// patches counts the patches of bindings that were sent through config.
	patches *atomic.Int64
}

func startServer(t *testing.T) *server {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "kubeconfig")
	must(t, os.WriteFile(path, []byte(kubeconfig), 0o600))
	started, err := servertesting.StartTestServer(quiet{t}, nil, []string{
		"--authentication-skip-lookup", "--authentication-kubeconfig", path, "--authorization-kubeconfig", path, "--kubeconfig", path,
		"--disable-admission-plugins", "NamespaceLifecycle,MutatingAdmissionWebhook,ValidatingAdmissionWebhook,MutatingAdmissionPolicy,ValidatingAdmissionPolicy",
		"--etcd-servers", startEtcd(t, dir), "--etcd-prefix", "/scheduler",
	}, nil)
	must(t, err)
	t.Cleanup(started.TearDownFn)

	s := &server{config: rest.CopyConfig(started.ClientConfig), patches: &atomic.Int64{}}
	s.config.QPS = -1
	s.config.ContentType, s.config.AcceptContentTypes = "", ""
	s.config.Wrap(func(next http.RoundTripper) http.RoundTripper { return counting{next, s.patches} })
	s.Client, err = client.New(started.ClientConfig, client.Options{Scheme: newScheme(t), Mapper: newMapper()})
	must(t, err)
	s.installKinds(t)
	return s
}

type counting struct {
	http.RoundTripper
	patches *atomic.Int64
}

func (c counting) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodPatch && strings.Contains(r.URL.Path, "resourcebindings/") { // events are patched, too
		c.patches.Add(1)
	}
	return c.RoundTripper.RoundTrip(r)
}

// quiet keeps the server from logging to a test that may have ended.
type quiet struct{ testing.TB }

func (quiet) Logf(string, ...any) {}

func startEtcd(t *testing.T, dir string) string {
	t.Helper()
	cfg := embed.NewConfig()
	cfg.Dir, cfg.LogLevel, cfg.UnsafeNoFsync = filepath.Join(dir, "etcd"), "fatal", true
	listen := []url.URL{{Scheme: "http", Host: "127.0.0.1:0"}}
	cfg.ListenClientUrls, cfg.ListenPeerUrls = listen, listen
	cfg.AdvertiseClientUrls, cfg.AdvertisePeerUrls = listen, listen
	cfg.InitialCluster = cfg.InitialClusterFromName(cfg.Name)
	etcd, err := embed.StartEtcd(cfg)
	must(t, err)
	t.Cleanup(etcd.Close)
	<-etcd.Server.ReadyNotify()
	return "http://" + etcd.Clients[0].Addr().String()
}

func newScheme(t *testing.T) *runtime.Scheme {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{apiextensionsv1.AddToScheme, clusterv1alpha1.AddToScheme, policyv1alpha1.AddToScheme, workv1alpha2.AddToScheme, apis.AddToScheme} {
		must(t, add(scheme))
	}
	return scheme
}

// newMapper knows the kinds that the server has: it answers no discovery, being made to stand behind an aggregator.
func newMapper() meta.RESTMapper {
	m := meta.NewDefaultRESTMapper(nil)
	m.Add(apiextensionsv1.SchemeGroupVersion.WithKind("CustomResourceDefinition"), meta.RESTScopeRoot)
	m.Add(clusterv1alpha1.SchemeGroupVersion.WithKind("Cluster"), meta.RESTScopeRoot)
	m.Add(policyv1alpha1.SchemeGroupVersion.WithKind("PropagationPolicy"), meta.RESTScopeNamespace)
	m.Add(policyv1alpha1.SchemeGroupVersion.WithKind("ClusterPropagationPolicy"), meta.RESTScopeRoot)
	m.Add(schedulingv1alpha1.SchemeGroupVersion.WithKind("PlacementReview"), meta.RESTScopeRoot)
	m.Add(workv1alpha2.SchemeGroupVersion.WithKind("ResourceBinding"), meta.RESTScopeNamespace)
	m.Add(workv1alpha2.SchemeGroupVersion.WithKind("ClusterResourceBinding"), meta.RESTScopeRoot)
	return m
}

// installKinds makes Karmada's own CRDs of bindings and policies, and ones of what is served natively: Clusters and PlacementReviews.
func (s *server) installKinds(t *testing.T) {
	t.Helper()
	module, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/karmada-io/karmada").Output()
	must(t, err)
	crds := []*apiextensionsv1.CustomResourceDefinition{
		nativeKind("cluster.karmada.io", "cluster", "Cluster"),
		nativeKind(schedulingv1alpha1.GroupName, "placementreview", "PlacementReview"),
	}
	for _, name := range []string{"work/work.karmada.io_resourcebindings", "work/work.karmada.io_clusterresourcebindings",
		"policy/policy.karmada.io_propagationpolicies", "policy/policy.karmada.io_clusterpropagationpolicies"} {
		raw, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(module)), "charts/karmada/_crds/bases/"+name+".yaml"))
		must(t, err)
		crd := &apiextensionsv1.CustomResourceDefinition{}
		must(t, yaml.NewYAMLOrJSONDecoder(bytes.NewReader(raw), 4096).Decode(crd))
		crd.Spec.Conversion = nil // the other version is converted by a webhook
		crds = append(crds, crd)
	}
	for _, crd := range crds {
		must(t, s.Create(t.Context(), crd))
		eventually(t, "CRD "+crd.Name+" is served", func(ctx context.Context) error {
			if err := s.Get(ctx, client.ObjectKeyFromObject(crd), crd); err != nil {
				return err
			}
			for _, c := range crd.Status.Conditions {
				if c.Type == apiextensionsv1.Established && c.Status == apiextensionsv1.ConditionTrue {
					return nil
				}
			}
			return fmt.Errorf("conditions %v", crd.Status.Conditions)
		})
	}
}

func nativeKind(group, singular, kind string) *apiextensionsv1.CustomResourceDefinition {
	crd := &apiextensionsv1.CustomResourceDefinition{}
	crd.Name = singular + "s." + group
	anything := &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{Type: "object", XPreserveUnknownFields: ptr.To(true)}}
	crd.Spec = apiextensionsv1.CustomResourceDefinitionSpec{
		Group: group, Scope: apiextensionsv1.ClusterScoped,
		Names: apiextensionsv1.CustomResourceDefinitionNames{Plural: singular + "s", Singular: singular, Kind: kind, ListKind: kind + "List"},
		Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{
			Name: "v1alpha1", Served: true, Storage: true, Schema: anything,
			Subresources: &apiextensionsv1.CustomResourceSubresources{Status: &apiextensionsv1.CustomResourceSubresourceStatus{}},
		}},
	}
	return crd
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eventually waits until the condition returns no error.
func eventually(t *testing.T, what string, condition func(context.Context) error) {
	t.Helper()
	var last error
	err := wait.PollUntilContextTimeout(t.Context(), 10*time.Millisecond, patience, true, func(ctx context.Context) (bool, error) {
		last = condition(ctx)
		return last == nil, nil
	})
	if err != nil {
		t.Fatalf("waiting until %s: %v", what, last)
	}
}
