package propagation_test

import (
	"testing"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	workv1alpha1 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"atoll.dev/atoll/apis/karmada/wellknown"
)

// The Works of a member that is gone for good can be deleted although nobody can be asked about
// their objects, and a member that joins under the same name is served again.
func TestMemberGoneAndBack(t *testing.T) {
	r := newRig(t, 2)
	r.policy("all", nil, configMaps)
	r.settleNamespace()
	r.create(r.configMap("cm", "a"))
	r.inAll(r.configMap("cm", ""), nil)
	r.quiet()
	gone, stays := r.members[0], r.members[1]
	release := gone.hold()
	var cluster clusterv1alpha1.Cluster
	if err := r.plane.Get(t.Context(), client.ObjectKey{Name: gone.name}, &cluster); err != nil {
		t.Fatal(err)
	}
	if err := r.plane.Delete(t.Context(), &cluster); err != nil {
		t.Fatal(err)
	}
	r.movePlacement(stays)
	r.patch(r.plane, r.configMap("cm", ""), `{"data":{"key":"b"}}`)
	r.gone(r.plane, &workv1alpha1.Work{ObjectMeta: metav1.ObjectMeta{
		Namespace: wellknown.ExecutionNamespace(gone.name), Name: wellknown.WorkName("ConfigMap", "cm", r.namespace)}})
	release()

	cluster.ObjectMeta = metav1.ObjectMeta{Name: gone.name}
	r.create(&cluster)
	r.movePlacement(gone, stays)
	r.create(r.configMap("later", "a"))
	r.inAll(r.configMap("later", ""), nil)
	r.inAll(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: r.namespace}}, nil)
}
