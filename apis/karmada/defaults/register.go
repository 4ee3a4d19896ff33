package defaults

import (
	"k8s.io/apimachinery/pkg/runtime"

	autoscalingv1alpha1 "github.com/karmada-io/karmada/pkg/apis/autoscaling/v1alpha1"
	policyv1alpha1 "github.com/karmada-io/karmada/pkg/apis/policy/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
)

// AddToScheme registers the defaults of Karmada's CRD schemas. Objects inside a
// list are decoded and defaulted one by one when they come from storage; a list
// that comes from a client is defaulted as a whole.
func AddToScheme(scheme *runtime.Scheme) error {
	add(scheme, func(p *policyv1alpha1.PropagationPolicy) { PropagationSpec(&p.Spec) })
	add(scheme, func(l *policyv1alpha1.PropagationPolicyList) {
		for i := range l.Items {
			PropagationSpec(&l.Items[i].Spec)
		}
	})
	add(scheme, func(p *policyv1alpha1.ClusterPropagationPolicy) { PropagationSpec(&p.Spec) })
	add(scheme, func(l *policyv1alpha1.ClusterPropagationPolicyList) {
		for i := range l.Items {
			PropagationSpec(&l.Items[i].Spec)
		}
	})
	add(scheme, func(b *workv1alpha2.ResourceBinding) { BindingSpec(&b.Spec) })
	add(scheme, func(l *workv1alpha2.ResourceBindingList) {
		for i := range l.Items {
			BindingSpec(&l.Items[i].Spec)
		}
	})
	add(scheme, func(b *workv1alpha2.ClusterResourceBinding) { BindingSpec(&b.Spec) })
	add(scheme, func(l *workv1alpha2.ClusterResourceBindingList) {
		for i := range l.Items {
			BindingSpec(&l.Items[i].Spec)
		}
	})
	add(scheme, func(h *autoscalingv1alpha1.CronFederatedHPA) { CronFederatedHPASpec(&h.Spec) })
	add(scheme, func(l *autoscalingv1alpha1.CronFederatedHPAList) {
		for i := range l.Items {
			CronFederatedHPASpec(&l.Items[i].Spec)
		}
	})
	return nil
}

// add registers a defaulting function under the type of its parameter.
func add[T any, PT interface {
	*T
	runtime.Object
}](scheme *runtime.Scheme, setDefaults func(PT)) {
	scheme.AddTypeDefaultingFunc(PT(new(T)), func(obj any) { setDefaults(obj.(PT)) })
}
