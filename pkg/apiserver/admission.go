package apiserver

import (
	"context"
	"fmt"
	"io"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apiserver/pkg/admission"
	kubeoptions "k8s.io/kubernetes/pkg/kubeapiserver/options"

	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
)

// DeletionProtection is the name of the admission plugin that keeps templates
// labelled resourcetemplate.karmada.io/deletion-protected=Always from being deleted.
const DeletionProtection = "DeletionProtection"

func registerAdmission(o *kubeoptions.AdmissionOptions) {
	o.GenericAdmission.Plugins.Register(DeletionProtection, func(io.Reader) (admission.Interface, error) {
		return deletionProtection{}, nil
	})
	// Before the webhooks, like every built-in plugin: the two webhook plugins and what follows come last.
	at := slices.Index(o.GenericAdmission.RecommendedPluginOrder, "MutatingAdmissionPolicy")
	o.GenericAdmission.RecommendedPluginOrder = slices.Insert(o.GenericAdmission.RecommendedPluginOrder, max(at, 0), DeletionProtection)
}

type deletionProtection struct{}

var _ admission.ValidationInterface = deletionProtection{}

func (deletionProtection) Handles(op admission.Operation) bool { return op == admission.Delete }

// Validate refuses as Karmada's resourcedeletionprotection webhook does. A collection
// is admitted object by object.
func (deletionProtection) Validate(_ context.Context, a admission.Attributes, _ admission.ObjectInterfaces) error {
	if a.GetSubresource() != "" || a.GetOldObject() == nil {
		return nil
	}
	old, err := meta.Accessor(a.GetOldObject())
	if err != nil {
		return nil // not an object with labels: nothing can protect it
	}
	if old.GetLabels()[workv1alpha2.DeletionProtectionLabelKey] != workv1alpha2.DeletionProtectionAlways {
		return nil
	}
	//lint:ignore ST1005 the wording is Karmada's, and its clients look for it
	return admission.NewForbidden(a, fmt.Errorf("This resource is protected, please make sure to remove the label: %s",
		workv1alpha2.DeletionProtectionLabelKey))
}
