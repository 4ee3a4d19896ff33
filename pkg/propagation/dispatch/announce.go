package dispatch

import (
	"context"

	workv1alpha1 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/propagation/twin"
)

// announceContest tells those who look at the Work, at its binding or at its template.
func (m *member) announceContest(ctx context.Context, w *workv1alpha1.Work, found contestedManifest) {
	m.warn(ctx, w, &found.manifest, "FieldsContested", found.report)
}

// warn records an event on a Work, its binding and, if a manifest is given, its template.
func (m *member) warn(ctx context.Context, w *workv1alpha1.Work, of *manifest, reason, message string) {
	const most = 1024 // the API server's limit of an event's message
	if len(message) > most {
		message = message[:most-3] + "..."
	}
	recorder := m.d.opts.Recorder
	recorder.Event(w, corev1.EventTypeWarning, reason, message)
	if key, ok := twin.BindingOfWork(w.Annotations); ok {
		if b, err := twin.GetBinding(ctx, m.d.opts.Client, key); err == nil {
			recorder.Event(b.Object, corev1.EventTypeWarning, reason, message)
		}
	}
	if of == nil {
		return
	}
	if uid := of.GetAnnotations()[wellknown.TemplateUIDAnnotation]; uid != "" {
		recorder.Event(&corev1.ObjectReference{
			APIVersion: of.GetAPIVersion(), Kind: of.GetKind(), Namespace: of.GetNamespace(), Name: of.GetName(), UID: types.UID(uid),
		}, corev1.EventTypeWarning, reason, message)
	}
}
