package ownership

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"

	"atoll.dev/atoll/apis/karmada/wellknown"
)

// OfPlane returns the claim by which a control plane holds its members, as its API server wrote it
// on its first start.
func OfPlane(ctx context.Context, plane corev1client.ConfigMapsGetter) (Claim, error) {
	cm, err := plane.ConfigMaps(wellknown.SystemNamespace).Get(ctx, wellknown.PlaneConfigMap, metav1.GetOptions{})
	if err != nil {
		return Claim{}, fmt.Errorf("reading the control plane's identity, ConfigMap %s/%s: %w", wellknown.SystemNamespace, wellknown.PlaneConfigMap, err)
	}
	claim, err := Parse(cm.Data)
	if err != nil {
		return Claim{}, fmt.Errorf("reading the control plane's identity, ConfigMap %s/%s: %w", wellknown.SystemNamespace, wellknown.PlaneConfigMap, err)
	}
	return claim, nil
}
