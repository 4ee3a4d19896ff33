package membership_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/ptr"

	"atoll.dev/atoll/pkg/membership/connection"
	"atoll.dev/atoll/pkg/membership/identity"
	"atoll.dev/atoll/pkg/membership/join"
)

func (p *plane) connect(t *testing.T, name string) (conn *connection.Connection) {
	t.Helper()
	eventually(t, 5*time.Second, func(ctx context.Context) (err error) {
		conn, err = p.pool.For(ctx, name)
		return err
	})
	return conn
}

func TestGrantLetsTheWriterWrite(t *testing.T) {
	p, m := sharedPlane(t)
	p.join(t, p.request(t, m.name, m.n))
	conn := p.connect(t, m.name)
	maps := conn.Kube.CoreV1().ConfigMaps("default")
	object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "granted"}}
	t.Cleanup(func() {
		if kube, err := clusters.Kube(m.n); err == nil {
			_ = kube.CoreV1().ConfigMaps("default").Delete(context.Background(), object.Name, metav1.DeleteOptions{})
		}
	})
	if _, err := maps.Create(t.Context(), object, metav1.CreateOptions{}); !apierrors.IsForbidden(err) {
		t.Fatalf("before Grant the writer's create gave %v, want Forbidden", err)
	}
	gvr := corev1.SchemeGroupVersion.WithResource("configmaps")
	must(t, conn.Grant(t.Context(), gvr))
	_, err := maps.Create(t.Context(), object, metav1.CreateOptions{})
	must(t, err)
	if _, err := conn.Kube.CoreV1().Secrets("default").List(t.Context(), metav1.ListOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("the writer may list secrets, which nobody granted: %v", err)
	}

	admin, err := clusters.Kube(m.n)
	must(t, err)
	role, err := admin.RbacV1().ClusterRoles().Get(t.Context(), identity.WriterRole, metav1.GetOptions{})
	must(t, err)
	began := time.Now()
	for range 100_000 {
		must(t, conn.Grant(t.Context(), gvr))
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("100000 grants of what is granted took %s; they should cost a look at a map", took)
	}
	again, err := admin.RbacV1().ClusterRoles().Get(t.Context(), identity.WriterRole, metav1.GetOptions{})
	must(t, err)
	if again.ResourceVersion != role.ResourceVersion {
		t.Error("granting what is granted wrote to the member")
	}
}

func TestGrantsAtOnceAllTakeEffect(t *testing.T) {
	p, m := sharedPlane(t)
	p.join(t, p.request(t, m.name, m.n))
	conn := p.connect(t, m.name)
	resources := []string{"configmaps", "secrets", "services", "endpoints", "serviceaccounts", "persistentvolumeclaims"}
	var wg sync.WaitGroup
	errs := make([]error, 4*len(resources))
	for i := range errs {
		wg.Go(func() {
			errs[i] = conn.Grant(t.Context(), corev1.SchemeGroupVersion.WithResource(resources[i%len(resources)]))
		})
	}
	wg.Wait()
	must(t, errors.Join(errs...))
	admin, err := clusters.Kube(m.n)
	must(t, err)
	role, err := admin.RbacV1().ClusterRoles().Get(t.Context(), identity.WriterRole, metav1.GetOptions{})
	must(t, err)
	for _, r := range resources {
		if !identity.GrantsOf(role.Rules).Has(schema.GroupResource{Resource: r}) {
			t.Errorf("%s is missing in the role", r)
		}
	}
}

// In no mode does the writer reach what would lift a fence or make it somebody else.
func TestWhatTheWriterMayNotDo(t *testing.T) {
	p, m := sharedPlane(t)
	for _, mode := range []identity.Mode{identity.Minimal, identity.Admin} {
		t.Run(string(mode), func(t *testing.T) {
			req := p.request(t, m.name, m.n)
			req.Mode = mode
			p.join(t, req)
			conn := p.connect(t, m.name)
			refused := new(identity.RefusedError)
			err := conn.Grant(t.Context(), schema.GroupVersionResource{Group: "admissionregistration.k8s.io", Version: "v1", Resource: "validatingadmissionpolicies"})
			if !errors.As(err, &refused) {
				t.Errorf("granting admission policies gave %v, want a refusal", err)
			}
			must(t, conn.Grant(t.Context(), schema.GroupVersionResource{Group: "rbac.authorization.k8s.io", Version: "v1", Resource: "clusterroles"}))
			for what, a := range map[string]string{
				"write admission policies": "create validatingadmissionpolicies.admissionregistration.k8s.io",
				"impersonate":              "impersonate users",
				"escalate":                 "escalate clusterroles.rbac.authorization.k8s.io",
				"bind":                     "bind clusterroles.rbac.authorization.k8s.io",
				"mint tokens":              "create serviceaccounts/token",
			} {
				if allowed(t, conn, a) {
					t.Errorf("the writer may %s", what)
				}
			}
			if got := allowed(t, conn, "create configmaps"); got != (mode == identity.Admin) {
				t.Errorf("the writer may create configmaps: %v", got)
			}
		})
	}
}

func TestMapperFindsWhatWasAddedLater(t *testing.T) {
	p, m := sharedPlane(t)
	req := p.request(t, m.name, m.n)
	req.Wait = true
	p.join(t, req)
	conn := p.connect(t, m.name)
	kind := schema.GroupKind{Group: "later.example.com", Kind: "Thing"}
	if _, err := conn.Mapper.RESTMapping(kind); err == nil {
		t.Fatal("the kind is there before it was added")
	}
	addCRD(t, m.n, kind)
	eventually(t, 10*time.Second, func(context.Context) error {
		_, err := conn.Mapper.RESTMapping(kind)
		return err
	})
	eventually(t, 10*time.Second, func(context.Context) error {
		for _, e := range p.cluster(t, m.name).Status.APIEnablements {
			if e.GroupVersion == kind.Group+"/v1" {
				return nil
			}
		}
		return errors.New("the Cluster's apiEnablements do not list the new kind")
	})
}

// A credential that is replaced by joining again reaches whoever holds a connection.
func TestJoiningAgainReplacesAnInvalidCredential(t *testing.T) {
	p, m := sharedPlane(t)
	req := p.request(t, m.name, m.n)
	p.join(t, req)
	before := p.connect(t, m.name)
	admin, err := clusters.Kube(m.n)
	must(t, err)
	must(t, admin.CoreV1().Secrets("atoll-system").Delete(t.Context(), identity.TokenSecret(identity.Writer(1)), metav1.DeleteOptions{}))
	eventually(t, 30*time.Second, func(ctx context.Context) error {
		if _, err := before.Kube.Discovery().ServerVersion(); !apierrors.IsUnauthorized(err) {
			return fmt.Errorf("the old token is still honoured: %v", err)
		}
		return nil
	})
	res, err := join.Join(t.Context(), req)
	must(t, err)
	if !res.Rejoined {
		t.Error("joining again is not told as such")
	}
	select {
	case <-before.Done:
	case <-time.After(5 * time.Second):
		t.Fatal("the old connection is not closed")
	}
	after := p.connect(t, m.name)
	if _, err := after.Kube.Discovery().ServerVersion(); err != nil {
		t.Errorf("the new connection fails: %v", err)
	}
}

func addCRD(t *testing.T, cluster int, kind schema.GroupKind) {
	t.Helper()
	config, err := clusters.Config(cluster)
	must(t, err)
	client, err := apiextensions.NewForConfig(config)
	must(t, err)
	crds := client.ApiextensionsV1().CustomResourceDefinitions()
	name := "things." + kind.Group
	_, err = crds.Create(t.Context(), &apiextensionsv1.CustomResourceDefinition{ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: apiextensionsv1.CustomResourceDefinitionSpec{Group: kind.Group, Scope: apiextensionsv1.NamespaceScoped,
			Names: apiextensionsv1.CustomResourceDefinitionNames{Plural: "things", Kind: kind.Kind},
			Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{Name: "v1", Served: true, Storage: true,
				Schema: &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{Type: "object", XPreserveUnknownFields: ptr.To(true)}}}}},
	}, metav1.CreateOptions{})
	must(t, err)
	t.Cleanup(func() { _ = crds.Delete(context.Background(), name, metav1.DeleteOptions{}) })
}
