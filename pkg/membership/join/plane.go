package join

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	karmada "github.com/karmada-io/karmada/pkg/generated/clientset/versioned"
	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/membership/identity"
	"atoll.dev/atoll/pkg/membership/ownership"
)

// controlPlane is the control plane as the user's credential sees it.
type controlPlane struct {
	endpoint string
	kube     kubernetes.Interface
	karmada  karmada.Interface
	// claim is how it holds its members.
	claim ownership.Claim
	// id is the UID of its kube-system namespace.
	id string
}

// register writes the credentials, then the Cluster, then makes the Cluster own the credentials:
// a Cluster never exists without them, and they do not outlive it.
func (r *run) register(ctx context.Context, p *controlPlane, m *memberCluster, t tokens, req *Request) (*clusterv1alpha1.Cluster, error) {
	ca, err := authority(m.config)
	if err != nil {
		return nil, err
	}
	labels := map[string]string{wellknown.SystemLabel: wellknown.LabelValueTrue}
	if _, err := ensure(ctx, r, inPlane, "Namespace", p.kube.CoreV1().Namespaces(),
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: wellknown.ClusterNamespace, Labels: labels}},
		func(*corev1.Namespace) bool { return false }); err != nil {
		return nil, err
	}
	wanted := []*corev1.Secret{
		credential(m.name, labels, map[string][]byte{clusterv1alpha1.SecretCADataKey: ca, clusterv1alpha1.SecretTokenKey: []byte(t.writer)}),
		credential(wellknown.ImpersonatorSecret(m.name), labels, map[string][]byte{clusterv1alpha1.SecretTokenKey: []byte(t.impersonator)}),
		credential(identity.ClaimerSecret(m.name), labels, map[string][]byte{clusterv1alpha1.SecretTokenKey: []byte(t.claimer)}),
	}
	for _, s := range wanted {
		if err := r.ensureCredential(ctx, p, s, nil); err != nil {
			return nil, err
		}
	}
	want := clusterObject(m, req)
	cluster, err := ensure(ctx, r, inPlane, "Cluster", p.karmada.ClusterV1alpha1().Clusters(), want, func(have *clusterv1alpha1.Cluster) bool {
		before := have.Spec.DeepCopy()
		have.Spec.ID, have.Spec.APIEndpoint = want.Spec.ID, want.Spec.APIEndpoint
		have.Spec.SecretRef, have.Spec.ImpersonatorSecretRef = want.Spec.SecretRef, want.Spec.ImpersonatorSecretRef
		have.Spec.InsecureSkipTLSVerification, have.Spec.ProxyURL = want.Spec.InsecureSkipTLSVerification, want.Spec.ProxyURL
		if req.Provider != "" {
			have.Spec.Provider = req.Provider
		}
		if req.Region != "" {
			have.Spec.Region = req.Region
		}
		if len(req.Zones) > 0 {
			have.Spec.Zones = req.Zones
		}
		return !apiequality.Semantic.DeepEqual(before, &have.Spec)
	})
	if err != nil || r.dryRun {
		return cluster, err
	}
	owner := []metav1.OwnerReference{*metav1.NewControllerRef(cluster, schema.GroupVersion(clusterv1alpha1.GroupVersion).WithKind(clusterv1alpha1.ResourceKindCluster))}
	for _, s := range wanted {
		if err := r.ensureCredential(ctx, p, s, owner); err != nil {
			return nil, err
		}
	}
	return cluster, nil
}

func credential(name string, labels map[string]string, data map[string][]byte) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: wellknown.ClusterNamespace, Name: name, Labels: labels}, Data: data}
}

func (r *run) ensureCredential(ctx context.Context, p *controlPlane, want *corev1.Secret, owner []metav1.OwnerReference) error {
	quiet := *r
	quiet.report = func(string) {}
	target := r
	if owner != nil {
		target = &quiet // giving it its owner is not worth a line
	}
	_, err := ensure(ctx, target, inPlane, "Secret", p.kube.CoreV1().Secrets(want.Namespace), want, func(have *corev1.Secret) bool {
		changed := mergeOwner(have, owner)
		for key, value := range want.Data {
			if !bytes.Equal(have.Data[key], value) {
				if have.Data == nil {
					have.Data = map[string][]byte{}
				}
				have.Data[key], changed = value, true
			}
		}
		return mergeLabels(have, want.Labels) || changed
	})
	return err
}

func clusterObject(m *memberCluster, req *Request) *clusterv1alpha1.Cluster {
	c := &clusterv1alpha1.Cluster{ObjectMeta: metav1.ObjectMeta{Name: m.name}}
	c.Spec = clusterv1alpha1.ClusterSpec{
		ID:                          m.id,
		SyncMode:                    clusterv1alpha1.Push,
		APIEndpoint:                 m.config.Host,
		SecretRef:                   &clusterv1alpha1.LocalSecretReference{Namespace: wellknown.ClusterNamespace, Name: m.name},
		ImpersonatorSecretRef:       &clusterv1alpha1.LocalSecretReference{Namespace: wellknown.ClusterNamespace, Name: wellknown.ImpersonatorSecret(m.name)},
		InsecureSkipTLSVerification: m.config.Insecure,
		ProxyURL:                    proxyURL(m.config),
		Provider:                    req.Provider, Region: req.Region, Zones: req.Zones,
	}
	return c
}

// authority returns the certificate authority of the kubeconfig: it is the one by which the member
// was just verified. It is empty where the system's own authorities vouch for the member.
func authority(config *rest.Config) ([]byte, error) {
	switch {
	case config.Insecure:
		return []byte{}, nil
	case len(config.CAData) > 0 || config.CAFile == "":
		return append([]byte{}, config.CAData...), nil // never nil: the key is to be there
	}
	data, err := os.ReadFile(config.CAFile)
	if err != nil {
		return nil, fmt.Errorf("reading the member's certificate authority: %w", err)
	}
	return data, nil
}

func proxyURL(config *rest.Config) string {
	if config.Proxy == nil {
		return ""
	}
	req, err := http.NewRequest(http.MethodGet, config.Host, nil)
	if err != nil {
		return ""
	}
	if u, err := config.Proxy(req); err == nil && u != nil {
		return u.String()
	}
	return ""
}
