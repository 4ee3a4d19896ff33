package connection

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	authorizationclient "k8s.io/client-go/kubernetes/typed/authorization/v1"
	rbacclient "k8s.io/client-go/kubernetes/typed/rbac/v1"
	"k8s.io/client-go/util/retry"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"

	"atoll.dev/atoll/pkg/membership/identity"
)

const (
	// grantSettles bounds the wait until the member's authorizer knows a new right, grantPoll paces it.
	grantSettles = 2 * time.Second
	grantPoll    = 10 * time.Millisecond
	// grantsLast is how long the role is trusted to hold what was read. It matters only when
	// somebody takes rights away in the member: they come back at the first use after this.
	grantsLast = 5 * time.Minute
)

// granter enlarges the writer's cluster role in one member.
type granter struct {
	roles  rbacclient.ClusterRoleInterface                      // as the claimer
	review authorizationclient.SelfSubjectAccessReviewInterface // as the writer
	clock  clock.PassiveClock

	// known is what the role held when it was last read. It is replaced, never changed.
	known atomic.Pointer[knownGrants]
	// mu lets one caller at a time change the role; those who waited find their right in known.
	mu sync.Mutex
}

type knownGrants struct {
	identity.Grants
	readAt time.Time
}

func newGranter(roles rbacclient.ClusterRoleInterface, review authorizationclient.SelfSubjectAccessReviewInterface, clk clock.PassiveClock) *granter {
	return &granter{roles: roles, review: review, clock: clk}
}

func (g *granter) has(r schema.GroupResource) bool {
	known := g.known.Load()
	return known != nil && known.Has(r) && g.clock.Since(known.readAt) < grantsLast
}

func (g *granter) ensure(ctx context.Context, r schema.GroupResource) error {
	if g.has(r) {
		return nil
	}
	if err := identity.Refused(r); err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.has(r) {
		return nil
	}
	added := false
	err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		role, err := g.roles.Get(ctx, identity.WriterRole, metav1.GetOptions{})
		if err != nil {
			return fmt.Errorf("reading ClusterRole %s: %w", identity.WriterRole, err)
		}
		mode := identity.Mode(role.Annotations[identity.ModeAnnotation])
		role.Rules, added, err = identity.WithGrant(role.Rules, mode, r)
		if err != nil {
			return err
		}
		if added {
			if role, err = g.roles.Update(ctx, role, metav1.UpdateOptions{}); err != nil {
				return err
			}
		}
		g.known.Store(&knownGrants{Grants: identity.GrantsOf(role.Rules), readAt: g.clock.Now()})
		return nil
	})
	if err != nil {
		return err
	}
	if added {
		klog.FromContext(ctx).V(1).Info("Writer's role enlarged", "resource", r.String())
		return g.settle(ctx, r)
	}
	return nil
}

// settle waits until the member lets the writer have what its role says. Not having settled in
// time is no error: the caller's own request will tell.
func (g *granter) settle(ctx context.Context, r schema.GroupResource) error {
	ask := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
		ResourceAttributes: &authorizationv1.ResourceAttributes{Verb: "deletecollection", Group: r.Group, Resource: r.Resource}}}
	err := wait.PollUntilContextTimeout(ctx, grantPoll, grantSettles, true, func(ctx context.Context) (bool, error) {
		answer, err := g.review.Create(ctx, ask, metav1.CreateOptions{})
		return err == nil && answer.Status.Allowed, nil
	})
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return nil
}
