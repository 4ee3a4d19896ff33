package realclusters

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"

	"atoll.dev/atoll/apis/karmada/wellknown"
)

// kinds are what membership's controllers read and write in a control plane.
var kinds = []struct {
	group, version, plural, kind string
	scope                        apiextensionsv1.ResourceScope
}{
	{"cluster.karmada.io", "v1alpha1", "clusters", "Cluster", apiextensionsv1.ClusterScoped},
	{"work.karmada.io", "v1alpha1", "works", "Work", apiextensionsv1.NamespaceScoped},
	{"work.karmada.io", "v1alpha2", "resourcebindings", "ResourceBinding", apiextensionsv1.NamespaceScoped},
	{"work.karmada.io", "v1alpha2", "clusterresourcebindings", "ClusterResourceBinding", apiextensionsv1.ClusterScoped},
	{"policy.karmada.io", "v1alpha1", "propagationpolicies", "PropagationPolicy", apiextensionsv1.NamespaceScoped},
	{"policy.karmada.io", "v1alpha1", "clusterpropagationpolicies", "ClusterPropagationPolicy", apiextensionsv1.ClusterScoped},
}

// Plane makes the last cluster a control plane of the given identity and returns its configuration.
// It may be called again, with another identity.
func (c *Clusters) Plane(ctx context.Context, planeUID string, epoch int64, claimID string) (*rest.Config, error) {
	config, err := c.Config(Count)
	if err != nil {
		return nil, err
	}
	if err := serveKinds(ctx, config); err != nil {
		return nil, err
	}
	kube, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{wellknown.SystemNamespace, wellknown.ClusterNamespace, wellknown.KarmadaSystemNamespace} {
		_, err := kube.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
		if err != nil && !apierrors.IsAlreadyExists(err) {
			return nil, err
		}
	}
	identity := &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Namespace: wellknown.SystemNamespace, Name: wellknown.PlaneConfigMap},
		Data: map[string]string{wellknown.PlaneUIDKey: planeUID, wellknown.PlaneEpochKey: fmt.Sprint(epoch),
			wellknown.PlaneClaimIDKey: claimID},
	}
	maps := kube.CoreV1().ConfigMaps(identity.Namespace)
	if _, err = maps.Update(ctx, identity, metav1.UpdateOptions{}); apierrors.IsNotFound(err) {
		_, err = maps.Create(ctx, identity, metav1.CreateOptions{})
	}
	return config, err
}

// serveKinds adds the kinds, without schemas: what is tested here is not their validation.
func serveKinds(ctx context.Context, config *rest.Config) error {
	client, err := apiextensions.NewForConfig(config)
	if err != nil {
		return err
	}
	crds := client.ApiextensionsV1().CustomResourceDefinitions()
	for _, k := range kinds {
		anything := &apiextensionsv1.JSONSchemaProps{Type: "object", XPreserveUnknownFields: ptr.To(true)}
		_, err := crds.Create(ctx, &apiextensionsv1.CustomResourceDefinition{
			ObjectMeta: metav1.ObjectMeta{Name: k.plural + "." + k.group,
				Annotations: map[string]string{"api-approved.kubernetes.io": "unapproved, test only"}},
			Spec: apiextensionsv1.CustomResourceDefinitionSpec{Group: k.group, Scope: k.scope,
				Names: apiextensionsv1.CustomResourceDefinitionNames{Plural: k.plural, Kind: k.kind, ListKind: k.kind + "List"},
				Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{Name: k.version, Served: true, Storage: true,
					Schema:       &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: anything},
					Subresources: &apiextensionsv1.CustomResourceSubresources{Status: &apiextensionsv1.CustomResourceSubresourceStatus{}}}}},
		}, metav1.CreateOptions{})
		if err != nil && !apierrors.IsAlreadyExists(err) {
			return err
		}
	}
	return wait.PollUntilContextTimeout(ctx, 50*time.Millisecond, 30*time.Second, true, func(ctx context.Context) (bool, error) {
		for _, k := range kinds {
			err := client.RESTClient().Get().AbsPath("/apis", k.group, k.version, k.plural).Do(ctx).Error()
			if err != nil {
				return false, nil
			}
		}
		return true, nil
	})
}
