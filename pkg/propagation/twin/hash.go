package twin

import (
	"encoding/hex"
	"hash/fnv"

	utiljson "k8s.io/apimachinery/pkg/util/json"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/propagation/compact"
)

// TemplateHash identifies what a user wrote: all of a template but its status and its claim.
func TemplateHash(t *compact.Object) (string, error) {
	u, err := t.Specification()
	if err != nil {
		return "", err
	}
	labels, annotations := Claim{}.Metadata()
	annotations[wellknown.LazyHashAnnotation] = ""
	u.SetLabels(without(u.GetLabels(), labels))
	u.SetAnnotations(without(u.GetAnnotations(), annotations))
	u.SetResourceVersion("")
	u.SetGeneration(0)
	raw, err := utiljson.Marshal(u.Object)
	if err != nil {
		return "", err
	}
	h := fnv.New64a()
	h.Write(raw) // never fails, see hash.Hash
	return hex.EncodeToString(h.Sum(nil)), nil
}

// without returns the values but for those of some keys.
func without(values, keys map[string]string) map[string]string {
	rest := map[string]string{}
	for k, v := range values {
		if _, drop := keys[k]; !drop {
			rest[k] = v
		}
	}
	return rest
}
