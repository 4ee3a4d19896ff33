package join

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	workv1alpha1 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/membership/identity"
)

// abandonWorks lets go of the works of a member that cannot be cleaned, and notes what they had put there.
func (l *leaving) abandonWorks(ctx context.Context, cluster string) error {
	works := l.plane.karmada.WorkV1alpha1().Works(wellknown.ExecutionNamespace(cluster))
	list, err := works.List(ctx, metav1.ListOptions{})
	if err != nil {
		return l.explainPlane(err, "listing the works of the cluster")
	}
	for i := range list.Items {
		w := &list.Items[i]
		// The namespace controller deletes them; until it has, taking the finalizer would let the
		// dispatcher put it back.
		if w.DeletionTimestamp == nil || !controllerutil.RemoveFinalizer(w, wellknown.ExecutionControllerFinalizer) {
			continue
		}
		if _, err := works.Update(ctx, w, metav1.UpdateOptions{}); err != nil {
			if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
				continue
			}
			return l.explainPlane(err, "giving up Work "+w.Name)
		}
		for _, o := range manifestsOf(w) {
			if !slices.Contains(l.res.LeftBehind, o) {
				l.res.LeftBehind = append(l.res.LeftBehind, o)
			}
		}
	}
	return nil
}

// manifestsOf lists what a Work dispatches as "Kind namespace/name".
func manifestsOf(w *workv1alpha1.Work) []string {
	var out []string
	for _, m := range w.Spec.Workload.Manifests {
		o := &metav1.PartialObjectMetadata{}
		if json.Unmarshal(m.Raw, o) != nil || o.Name == "" {
			continue
		}
		name := o.Name
		if o.Namespace != "" {
			name = o.Namespace + "/" + o.Name
		}
		out = append(out, o.Kind+" "+name)
	}
	return out
}

// leaveBehind tells what stays in a member that was not cleaned, and how to remove it. err is why
// it was not; nil if the control plane has no claimer there, which means that karmadactl joined it.
func (l *leaving) leaveBehind(cluster *clusterv1alpha1.Cluster, err error) {
	if err == nil {
		l.res.LeftBehind = append(l.res.LeftBehind, "namespace "+wellknown.ClusterNamespace+" with the identities that karmadactl made",
			"cluster role and binding "+karmadactlRole(l.req.Name))
	} else {
		l.res.LeftBehind = append(l.res.LeftBehind, "namespace "+wellknown.SystemNamespace+" with the control plane's identities and ownership",
			fmt.Sprintf("cluster roles and bindings %s, %s, %s", identity.WriterRole, identity.Claimer, identity.Impersonator))
	}
	name := l.req.Name
	if cluster != nil {
		name = cluster.Name
	}
	l.res.Remedy = fmt.Sprintf("run, as soon as the member can be reached: atoll unjoin %s --cluster-kubeconfig FILE; "+
		"what was dispatched to it carries the label %s=%s and the annotation %s=%s", name,
		wellknown.ManagedLabel, wellknown.LabelValueTrue, wellknown.PlaneUIDAnnotation, l.plane.claim.PlaneUID)
}

// deleteCredentials removes what the Cluster's deletion has not taken along.
func (l *leaving) deleteCredentials(ctx context.Context) error {
	secrets := l.plane.kube.CoreV1().Secrets(wellknown.ClusterNamespace)
	for _, name := range []string{identity.ClaimerSecret(l.req.Name), wellknown.ImpersonatorSecret(l.req.Name), l.req.Name} {
		if l.dryRun {
			if _, err := secrets.Get(ctx, name, metav1.GetOptions{}); err != nil {
				continue
			}
		} else if err := secrets.Delete(ctx, name, metav1.DeleteOptions{}); apierrors.IsNotFound(err) {
			continue
		} else if err != nil {
			return l.explainPlane(err, "deleting Secret "+name)
		}
		l.did(inPlane, "deleted", "Secret "+wellknown.ClusterNamespace+"/"+name)
	}
	return nil
}

func setProxy(config *rest.Config, proxy string) error {
	if proxy == "" {
		return nil
	}
	u, err := url.Parse(proxy)
	if err != nil {
		return err
	}
	config.Proxy = http.ProxyURL(u)
	return nil
}
