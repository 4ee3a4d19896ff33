package etcdmember_test

import (
	"path/filepath"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	"k8s.io/apiserver/pkg/storage/storagebackend/factory"
	"k8s.io/client-go/kubernetes/scheme"

	"atoll.dev/atoll/pkg/apiserver/etcdmember"
)

// The API server's own storage layer must be content with the member's endpoint.
func TestKubernetesStorage(t *testing.T) {
	m, err := etcdmember.Start(t.Context(), etcdmember.Config{Dir: filepath.Join(t.TempDir(), "etcd")})
	if err != nil {
		t.Fatal(err)
	}
	v1 := corev1.SchemeGroupVersion
	info, _ := runtime.SerializerInfoForMediaType(scheme.Codecs.SupportedMediaTypes(), runtime.ContentTypeJSON)
	codec := scheme.Codecs.CodecForVersions(info.Serializer, scheme.Codecs.UniversalDeserializer(), v1, v1)
	config := storagebackend.NewDefaultConfig("/registry", codec)
	config.Transport.ServerList = m.Endpoints()
	config.Transport.TrustedCAFile, config.Transport.CertFile, config.Transport.KeyFile = m.TLS().CAFile, m.TLS().CertFile, m.TLS().KeyFile

	health, err := factory.CreateHealthCheck(*config, t.Context().Done())
	if err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(10 * time.Second)
	for err = health(); err != nil && time.Now().Before(deadline); err = health() {
		time.Sleep(10 * time.Millisecond)
	}
	if err != nil {
		t.Fatalf("health: %v", err)
	}

	store, destroy, err := factory.Create(*config.ForResource(schema.GroupResource{Resource: "configmaps"}),
		func() runtime.Object { return &corev1.ConfigMap{} }, func() runtime.Object { return &corev1.ConfigMapList{} }, "/configmaps")
	if err != nil {
		t.Fatal(err)
	}
	watch, err := store.Watch(t.Context(), "/configmaps/", storage.ListOptions{Recursive: true, Predicate: storage.Everything})
	if err != nil {
		t.Fatal(err)
	}
	in, out := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Data: map[string]string{"k": "v"}}, &corev1.ConfigMap{}
	if err := store.Create(t.Context(), "/configmaps/a", in, out, 0); err != nil {
		t.Fatal(err)
	}
	if err := store.Get(t.Context(), "/configmaps/a", storage.GetOptions{}, out); err != nil || out.Data["k"] != "v" {
		t.Errorf("got %+v, %v", out, err)
	}
	select {
	case event := <-watch.ResultChan():
		if got, ok := event.Object.(*corev1.ConfigMap); !ok || got.Name != "a" {
			t.Errorf("watched %+v", event)
		}
	case <-time.After(10 * time.Second):
		t.Error("nothing was watched")
	}
	// The API server may be slow to let go: that must not hold up the stop.
	begin := time.Now()
	if err := m.Stop(); err != nil {
		t.Errorf("Stop: %v", err)
	}
	if took := time.Since(begin); took > 3*time.Second {
		t.Errorf("Stop took %v", took)
	}
	watch.Stop()
	destroy()
}
