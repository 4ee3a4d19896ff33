package nativekinds

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"sync"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	corev1 "k8s.io/api/core/v1"
	apiextensionsopenapi "k8s.io/apiextensions-apiserver/pkg/generated/openapi"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizerfactory"
	openapinamer "k8s.io/apiserver/pkg/endpoints/openapi"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/options"
	serverstorage "k8s.io/apiserver/pkg/server/storage"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	"k8s.io/client-go/rest"
	basecompatibility "k8s.io/component-base/compatibility"
	"k8s.io/kube-openapi/pkg/common"
	kubeopenapi "k8s.io/kubernetes/pkg/generated/openapi"
	testingclock "k8s.io/utils/clock/testing"

	"atoll.dev/atoll/apis"
)

// plane is an API server with Karmada's groups only, on an etcd of its own. All tests of the package share it.
var plane *testPlane

type testPlane struct {
	config  *rest.Config
	scheme  *runtime.Scheme
	secrets sync.Map // *corev1.Secret by namespace/name
	etcd    string
}

func TestMain(m *testing.M) { os.Exit(runWithPlane(m)) }

func runWithPlane(m *testing.M) int {
	dir, err := os.MkdirTemp("", "nativekinds")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	etcd, endpoint, err := startEtcd(dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, "starting etcd:", err)
		return 1
	}
	defer etcd.Close()
	stop := make(chan struct{})
	server, err := startPlane(endpoint, stop)
	if err != nil {
		fmt.Fprintln(os.Stderr, "starting the API server:", err)
		return 1
	}
	defer server.Close()
	defer close(stop)
	return m.Run()
}

func startEtcd(dir string) (*embed.Etcd, string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	client := url.URL{Scheme: "http", Host: listener.Addr().String()}
	if err := listener.Close(); err != nil {
		return nil, "", err
	}
	cfg := embed.NewConfig()
	cfg.Dir = dir
	cfg.LogLevel = "fatal"
	cfg.UnsafeNoFsync = true
	peer := url.URL{Scheme: "unix", Host: "localhost:" + fmt.Sprint(os.Getpid())}
	cfg.ListenClientUrls, cfg.AdvertiseClientUrls = []url.URL{client}, []url.URL{client}
	cfg.ListenPeerUrls, cfg.AdvertisePeerUrls = []url.URL{peer}, []url.URL{peer}
	cfg.InitialCluster = cfg.InitialClusterFromName(cfg.Name)
	etcd, err := embed.StartEtcd(cfg)
	if err != nil {
		return nil, "", err
	}
	select {
	case <-etcd.Server.ReadyNotify():
		return etcd, client.String(), nil
	case <-time.After(30 * time.Second):
		etcd.Close()
		return nil, "", fmt.Errorf("etcd is not ready after 30 s")
	}
}

// requester is who every request comes from.
var requester = &user.DefaultInfo{Name: "alice", Groups: []string{"developers", user.AllAuthenticated}}

func startPlane(etcdEndpoint string, stop <-chan struct{}) (*httptest.Server, error) {
	scheme := runtime.NewScheme()
	metav1.AddToGroupVersion(scheme, schema.GroupVersion{Version: "v1"})
	apis.Install(scheme)
	codecs := serializer.NewCodecFactory(scheme)
	plane = &testPlane{scheme: scheme, etcd: etcdEndpoint}

	config := genericapiserver.NewConfig(codecs)
	config.ExternalAddress = "127.0.0.1:443"
	config.LegacyAPIGroupPrefixes = sets.NewString("/api")
	config.LoopbackClientConfig = &rest.Config{}
	config.EffectiveVersion = basecompatibility.NewEffectiveVersionFromString("1.35", "", "")
	config.Authentication.Authenticator = authenticator.RequestFunc(func(*http.Request) (*authenticator.Response, bool, error) {
		return &authenticator.Response{User: requester}, true, nil
	})
	config.Authorization.Authorizer = authorizerfactory.NewAlwaysAllowAuthorizer()
	namer := openapinamer.NewDefinitionNamer(scheme)
	config.OpenAPIConfig = genericapiserver.DefaultOpenAPIConfig(definitions, namer)
	config.OpenAPIV3Config = genericapiserver.DefaultOpenAPIV3Config(definitions, namer)
	config.OpenAPIConfig.GetDefinitionName = apis.PublicKinds(config.OpenAPIConfig.GetDefinitionName)
	config.OpenAPIV3Config.GetDefinitionName = apis.PublicKinds(config.OpenAPIV3Config.GetDefinitionName)

	storageConfig := *storagebackend.NewDefaultConfig("/registry", nil)
	storageConfig.Transport.ServerList = []string{etcdEndpoint}
	resourceConfig := serverstorage.NewResourceConfig()
	resourceConfig.EnableVersions(GroupVersions()...)
	factory := serverstorage.NewDefaultStorageFactory(storageConfig, "application/vnd.kubernetes.protobuf", codecs,
		serverstorage.NewDefaultResourceEncodingConfigForEffectiveVersion(scheme, config.EffectiveVersion), resourceConfig, nil)
	ConfigureStorageFactory(factory)
	etcdOptions := options.NewEtcdOptions(&storageConfig)
	etcdOptions.SkipHealthEndpoints = true
	if err := etcdOptions.ApplyWithStorageFactoryTo(factory, config); err != nil {
		return nil, err
	}

	server, err := config.Complete(nil).New("nativekinds", genericapiserver.NewEmptyDelegate())
	if err != nil {
		return nil, err
	}
	var groups []*genericapiserver.APIGroupInfo
	for _, p := range StorageProviders(Options{Scheme: scheme, Secret: plane.secret, Clock: testingclock.NewFakePassiveClock(created)}) {
		info, err := p.NewRESTStorage(resourceConfig, config.RESTOptionsGetter)
		if err != nil {
			return nil, err
		}
		groups = append(groups, &info)
	}
	if err := server.InstallAPIGroups(groups...); err != nil {
		return nil, err
	}
	server.PrepareRun()
	go func() {
		<-stop
		server.Destroy()
	}()
	ts := httptest.NewServer(server.Handler)
	plane.config = &rest.Config{Host: ts.URL, QPS: -1}
	return ts, nil
}

func (p *testPlane) secret(_ context.Context, namespace, name string) (*corev1.Secret, error) {
	if secret, ok := p.secrets.Load(namespace + "/" + name); ok {
		return secret.(*corev1.Secret), nil
	}
	return nil, apierrors.NewNotFound(corev1.Resource("secrets"), name)
}

// definitions are the OpenAPI definitions that a server of Karmada's groups needs.
func definitions(ref common.ReferenceCallback) map[string]common.OpenAPIDefinition {
	all := kubeopenapi.GetOpenAPIDefinitions(ref)
	maps.Copy(all, apiextensionsopenapi.GetOpenAPIDefinitions(ref))
	maps.Copy(all, apis.OpenAPIDefinitions(ref))
	return all
}

// stored returns what etcd holds under a key.
func stored(t *testing.T, key string) []byte {
	t.Helper()
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{plane.etcd}, DialTimeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	response, err := client.Get(context.Background(), key)
	if err != nil {
		t.Fatal(err)
	}
	if len(response.Kvs) != 1 {
		t.Fatalf("nothing is stored under %s", key)
	}
	return response.Kvs[0].Value
}
