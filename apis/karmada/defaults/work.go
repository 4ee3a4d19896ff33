package defaults

import (
	"bytes"

	workv1alpha1 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
)

// WriteWork completes a Work that is being written: it has a permanent ID, and its
// manifests are normalized. old is nil when the Work is created. A manifest that
// was normalized before is left as it is, and so is one that is no Kubernetes
// object, which validation refuses.
func WriteWork(w, old *workv1alpha1.Work) {
	if old != nil {
		keepID(w, old, workv1alpha2.WorkPermanentIDLabel)
	}
	ensureID(w, workv1alpha2.WorkPermanentIDLabel)
	id := w.Labels[workv1alpha2.WorkPermanentIDLabel]
	sameID := old != nil && old.Labels[workv1alpha2.WorkPermanentIDLabel] == id
	for i := range w.Spec.Workload.Manifests {
		m := &w.Spec.Workload.Manifests[i]
		if sameID && i < len(old.Spec.Workload.Manifests) && bytes.Equal(m.Raw, old.Spec.Workload.Manifests[i].Raw) {
			continue
		}
		if normalized, err := NormalizeManifest(m.Raw, id); err == nil {
			m.Raw = normalized
		}
	}
}
