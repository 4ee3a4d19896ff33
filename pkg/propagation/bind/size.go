package bind

import (
	"errors"
	"fmt"
	"strings"

	workv1alpha1 "github.com/karmada-io/karmada/pkg/apis/work/v1alpha1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	utilerrors "k8s.io/apimachinery/pkg/util/errors"
)

// largestManifest is what a Work can carry: etcd takes 1.5 MiB a request by default, of which
// some is left for the Work's own metadata and status. Templates may be stored in less than that and
// still be larger as the JSON that a Work carries.
const largestManifest = 1536*1024 - 64*1024

// errTooLarge means that a manifest does not fit into a Work: trying again does not help, a smaller
// template does.
type errTooLarge struct{ text string }

func (e *errTooLarge) Error() string { return e.text }

const tooLargeRemedy = "make the template smaller, for example by splitting it or by fetching its data at run time"

// fits refuses what etcd would refuse, with a reason.
func fits(w *workv1alpha1.Work) error {
	size := 0
	for _, m := range w.Spec.Workload.Manifests {
		size += len(m.Raw)
	}
	if size <= largestManifest {
		return nil
	}
	return &errTooLarge{fmt.Sprintf("the template takes %d KiB as JSON, and a Work holds at most %d KiB; %s", (size+1023)/1024, largestManifest/1024, tooLargeRemedy)}
}

// refusedForSize recognises that the control plane's storage takes less than we thought.
func refusedForSize(err error) error {
	if err == nil || !apierrors.IsRequestEntityTooLargeError(err) && !strings.Contains(err.Error(), "request is too large") {
		return err
	}
	return &errTooLarge{fmt.Sprintf("the control plane's storage refuses a Work of this size (%v); %s", err, tooLargeRemedy)}
}

// nothingButSize tells whether no part of err would pass by trying again.
func nothingButSize(err error) bool {
	var all utilerrors.Aggregate
	if !errors.As(err, &all) {
		var large *errTooLarge
		return errors.As(err, &large)
	}
	for _, one := range all.Errors() {
		var large *errTooLarge
		if !errors.As(one, &large) {
			return false
		}
	}
	return true
}
