package validation

import (
	"net"
	"strconv"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"atoll.dev/atoll/apis/karmada/wellknown"
)

// estimatorAddress checks where the estimator of a member is said to be.
func estimatorAddress(annotations map[string]string) field.ErrorList {
	address, ok := annotations[wellknown.EstimatorAnnotation]
	if !ok || address == wellknown.NoEstimator {
		return nil
	}
	host, port, err := net.SplitHostPort(address)
	if n, e := strconv.Atoi(port); err == nil && host != "" && e == nil && n >= 1 && n <= 65535 {
		return nil
	}
	return field.ErrorList{field.Invalid(field.NewPath("metadata", "annotations").Key(wellknown.EstimatorAnnotation), address,
		`give the address of the estimator as host:port, or "`+wellknown.NoEstimator+`" if the member has none`)}
}
