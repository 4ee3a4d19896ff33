package ownership

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/membership/identity"
)

// Claim identifies a control plane towards its members.
type Claim struct {
	// PlaneUID is the UID of the control plane's kube-system namespace; a restored copy has the same.
	PlaneUID types.UID
	// Epoch rises with every takeover of the fleet, from 1 up.
	Epoch int64
	// ClaimID differs between two copies of a control plane that reached the same epoch.
	ClaimID string
}

// Validate returns an error that names what a claim lacks.
func (c Claim) Validate() error {
	switch {
	case c.PlaneUID == "":
		return fmt.Errorf("%s is empty", wellknown.PlaneUIDKey)
	case c.Epoch < 1:
		return fmt.Errorf("%s is %d, want 1 or more", wellknown.PlaneEpochKey, c.Epoch)
	case c.ClaimID == "":
		return fmt.Errorf("%s is empty", wellknown.PlaneClaimIDKey)
	}
	return nil
}

func (c Claim) data() map[string]string {
	return map[string]string{
		wellknown.PlaneUIDKey:     string(c.PlaneUID),
		wellknown.PlaneEpochKey:   strconv.FormatInt(c.Epoch, 10),
		wellknown.PlaneClaimIDKey: c.ClaimID,
	}
}

// Parse reads a claim from the data of a control plane's identity or a member's ownership object.
func Parse(data map[string]string) (Claim, error) {
	epoch, err := strconv.ParseInt(data[wellknown.PlaneEpochKey], 10, 64)
	if err != nil {
		return Claim{}, fmt.Errorf("%s is %q, want a decimal number", wellknown.PlaneEpochKey, data[wellknown.PlaneEpochKey])
	}
	c := Claim{PlaneUID: types.UID(data[wellknown.PlaneUIDKey]), Epoch: epoch, ClaimID: data[wellknown.PlaneClaimIDKey]}
	return c, c.Validate()
}

// OwnedError says that a member belongs to another control plane, or to a later or rival copy of this one.
type OwnedError struct {
	Owner    Claim
	Claimant Claim
}

func (e *OwnedError) Error() string {
	if e.Owner.PlaneUID != e.Claimant.PlaneUID {
		return fmt.Sprintf("the member is owned by control plane %s (epoch %d)", e.Owner.PlaneUID, e.Owner.Epoch)
	}
	if e.Owner.Epoch > e.Claimant.Epoch {
		return fmt.Sprintf("the member was taken over by a later copy of this control plane (epoch %d, ours is %d)", e.Owner.Epoch, e.Claimant.Epoch)
	}
	return fmt.Sprintf("the member was claimed by another copy of this control plane in the same epoch %d (claim %s, ours is %s)",
		e.Owner.Epoch, e.Owner.ClaimID, e.Claimant.ClaimID)
}

// ErrUnreadable marks an ownership object that does not say who the owner is: nobody may claim over it.
var ErrUnreadable = errors.New("the member's ownership object cannot be read")

// Read returns a member's owner, and false if nobody owns it.
func Read(ctx context.Context, c corev1client.ConfigMapsGetter) (Claim, bool, error) {
	_, owner, owned, err := read(ctx, c)
	return owner, owned, err
}

func read(ctx context.Context, c corev1client.ConfigMapsGetter) (*corev1.ConfigMap, Claim, bool, error) {
	cm, err := c.ConfigMaps(wellknown.SystemNamespace).Get(ctx, wellknown.OwnershipConfigMap, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, Claim{}, false, nil
	}
	if err != nil {
		return nil, Claim{}, false, fmt.Errorf("reading ConfigMap %s/%s of the member: %w", wellknown.SystemNamespace, wellknown.OwnershipConfigMap, err)
	}
	owner, err := Parse(cm.Data)
	if err != nil {
		return nil, Claim{}, false, fmt.Errorf("%w: ConfigMap %s/%s: %w", ErrUnreadable, wellknown.SystemNamespace, wellknown.OwnershipConfigMap, err)
	}
	return cm, owner, true, nil
}

// Admits decides whether the claimant may hold a member that the owner holds now: the owner itself
// may, and a later epoch of the same control plane.
func Admits(owner, claimant Claim) bool {
	return owner == claimant || (owner.PlaneUID == claimant.PlaneUID && claimant.Epoch > owner.Epoch)
}

// Acquire claims a member and tells whether that changed anything. It is idempotent. It returns an
// *OwnedError if somebody else holds the member, also when they won a race with this call.
// Namespace wellknown.SystemNamespace must exist in the member.
func Acquire(ctx context.Context, c corev1client.ConfigMapsGetter, claim Claim) (changed bool, err error) {
	if err := claim.Validate(); err != nil {
		return false, fmt.Errorf("claiming a member: %w", err)
	}
	// Whoever loses the compare-and-swap reads the winner's claim next time around and leaves with
	// an OwnedError, unless only metadata changed: hence a loop, and hence it ends.
	for {
		cm, owner, owned, err := read(ctx, c)
		if err != nil {
			return false, err
		}
		if owned && !Admits(owner, claim) {
			return false, &OwnedError{Owner: owner, Claimant: claim}
		}
		if owned && owner == claim {
			return false, nil
		}
		if owned {
			updated := cm.DeepCopy() // carries the resourceVersion that was read
			maps.Copy(updated.Data, claim.data())
			_, err = c.ConfigMaps(cm.Namespace).Update(ctx, updated, metav1.UpdateOptions{})
		} else {
			_, err = c.ConfigMaps(wellknown.SystemNamespace).Create(ctx, &corev1.ConfigMap{
				ObjectMeta: metav1.ObjectMeta{Namespace: wellknown.SystemNamespace, Name: wellknown.OwnershipConfigMap, Labels: identity.Labels()},
				Data:       claim.data(),
			}, metav1.CreateOptions{})
		}
		switch {
		case err == nil:
			return true, nil
		case owned && (apierrors.IsConflict(err) || apierrors.IsNotFound(err)), !owned && apierrors.IsAlreadyExists(err):
			if ctx.Err() != nil {
				return false, ctx.Err()
			}
		default:
			return false, fmt.Errorf("claiming the member: %w", err)
		}
	}
}

// Release gives a member up if the claim still holds it, and tells whether it did.
// A member that nobody or somebody else holds is left alone.
func Release(ctx context.Context, c corev1client.ConfigMapsGetter, claim Claim) (released bool, err error) {
	for {
		cm, owner, owned, err := read(ctx, c)
		if err != nil || !owned || owner != claim {
			return false, err
		}
		err = c.ConfigMaps(cm.Namespace).Delete(ctx, cm.Name, metav1.DeleteOptions{
			Preconditions: &metav1.Preconditions{UID: &cm.UID, ResourceVersion: &cm.ResourceVersion}})
		switch {
		case err == nil:
			return true, nil
		case apierrors.IsNotFound(err):
			return false, nil
		case apierrors.IsConflict(err):
			if ctx.Err() != nil {
				return false, ctx.Err()
			}
		default:
			return false, fmt.Errorf("releasing the member: %w", err)
		}
	}
}
