package dispatch

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/fnv"

	workv1alpha1 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha1"
	workv1alpha2 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha2"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	utiljson "k8s.io/apimachinery/pkg/util/json"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/propagation/compact"
	"atoll.dev/atoll/pkg/propagation/work"
)

// appliedAnnotation on a dispatched object is the hash of the manifest that was applied last. With
// it a restarted control plane knows without asking that there is nothing to remove from the object.
const appliedAnnotation = "atoll.dev/applied-manifest"

// manifest is what a Work wants of one object.
type manifest struct {
	*unstructured.Unstructured
	ordinal int
	// hash identifies the content.
	hash string
	// scaled tells that an autoscaler of the member sets the replicas.
	scaled bool
}

func (m manifest) key() types.NamespacedName {
	return types.NamespacedName{Namespace: m.GetNamespace(), Name: m.GetName()}
}

// manifestsOf decodes what a Work carries and stamps each manifest with what we recognise its
// object by: the label that we watch for, its Work, and the hash of what was applied. Works that the
// binder made have all but the last already; those that users made may have none.
func manifestsOf(w *workv1alpha1.Work) ([]manifest, error) {
	decoded, err := work.Manifests(w)
	if err != nil {
		return nil, err
	}
	var all []manifest
	for i, u := range decoded {
		delete(u.Object, "status")
		metadata, _ := u.Object["metadata"].(map[string]any)
		for _, field := range []string{"uid", "resourceVersion", "managedFields", "generation", "creationTimestamp"} {
			delete(metadata, field)
		}
		u.SetLabels(with(u.GetLabels(), wellknown.ManagedLabel, wellknown.LabelValueTrue))
		annotations := with(u.GetAnnotations(), workv1alpha2.WorkNameAnnotation, w.Name)
		annotations = with(annotations, workv1alpha2.WorkNamespaceAnnotation, w.Namespace)
		delete(annotations, appliedAnnotation)
		u.SetAnnotations(annotations)
		raw, err := utiljson.Marshal(u.Object)
		if err != nil {
			return nil, fmt.Errorf("encoding manifest %d of Work %s/%s: %w", i, w.Namespace, w.Name, err)
		}
		h := fnv.New64a()
		h.Write(raw) // never fails, see hash.Hash
		m := manifest{Unstructured: u, ordinal: i, hash: hex.EncodeToString(h.Sum(nil))}
		u.SetAnnotations(with(annotations, appliedAnnotation, m.hash))
		all = append(all, m)
	}
	return all, nil
}

func with(all map[string]string, key, value string) map[string]string {
	if all == nil {
		all = map[string]string{}
	}
	all[key] = value
	return all
}

// memory is what we know to have brought about.
type memory struct {
	uid             types.UID
	resourceVersion string
	generation      int64
	hash            string
	// scaled tells that the replicas were left to an autoscaler.
	scaled bool
}

func memoryOf(obj *compact.Object, m manifest) memory {
	return memory{uid: obj.UID, resourceVersion: obj.ResourceVersion, generation: obj.Generation, hash: m.hash, scaled: m.scaled}
}

// current tells whether the object is as the manifest, with what the member owns put in, wants it.
// rec is what we brought about last, the zero value after a restart.
func current(m manifest, obj *compact.Object, rec memory) (bool, error) {
	if rec.hash == m.hash && rec.uid == obj.UID && rec.scaled == m.scaled {
		if rec.resourceVersion == obj.ResourceVersion {
			return true, nil
		}
		if obj.Generation > 0 && rec.generation == obj.Generation {
			// The specification cannot have changed without its generation; metadata can.
			return contains(obj.Labels, m.GetLabels()) && contains(obj.Annotations, m.GetAnnotations()), nil
		}
	}
	if obj.Annotations[appliedAnnotation] != m.hash {
		return false, nil
	}
	present, err := obj.Specification()
	if err != nil {
		return false, err
	}
	return holds(m.Object, present.Object), nil
}

func contains(all, some map[string]string) bool {
	for k, v := range some {
		if got, ok := all[k]; !ok || got != v {
			return false
		}
	}
	return true
}

// body encodes what is sent.
func body(u *unstructured.Unstructured) ([]byte, error) {
	raw, err := json.Marshal(u.Object)
	if err != nil {
		return nil, fmt.Errorf("encoding %s %s/%s: %w", u.GetKind(), u.GetNamespace(), u.GetName(), err)
	}
	return raw, nil
}
