package membership_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"k8s.io/apimachinery/pkg/types"

	"atoll.dev/atoll/pkg/membership/identity"
	"atoll.dev/atoll/pkg/membership/ownership"
)

// Control planes that claim a member at the same moment: one gets it and the others learn who.
func TestOneOfManyClaimantsWins(t *testing.T) {
	newPlane(t)
	kube, err := clusters.Kube(1)
	must(t, err)
	_, err = kube.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "atoll-system", Labels: identity.Labels()}}, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatal(err)
	}
	for round := range 20 {
		const claimants = 6
		errs := make([]error, claimants)
		claims := make([]ownership.Claim, claimants)
		var wg sync.WaitGroup
		for i := range claims {
			claims[i] = ownership.Claim{PlaneUID: types.UID(fmt.Sprintf("plane-%d", i)), Epoch: int64(i + 1), ClaimID: fmt.Sprint(round)}
			wg.Go(func() { _, errs[i] = ownership.Acquire(t.Context(), kube.CoreV1(), claims[i]) })
		}
		wg.Wait()
		owner, owned, err := ownership.Read(t.Context(), kube.CoreV1())
		if err != nil || !owned {
			t.Fatalf("round %d: nobody owns the member: %v", round, err)
		}
		for i, err := range errs {
			refused := new(ownership.OwnedError)
			if (err == nil) != (claims[i] == owner) || (err != nil && (!errors.As(err, &refused) || refused.Owner != owner)) {
				t.Errorf("round %d: %s owns the member, %s got %v", round, owner.PlaneUID, claims[i].PlaneUID, err)
			}
		}
		if released, err := ownership.Release(t.Context(), kube.CoreV1(), owner); err != nil || !released {
			t.Fatalf("round %d: releasing: %v, %v", round, released, err)
		}
	}
	must(t, kube.CoreV1().Namespaces().Delete(t.Context(), "atoll-system", metav1.DeleteOptions{}))
}
