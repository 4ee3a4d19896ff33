package join

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/membership/identity"
	"atoll.dev/atoll/pkg/membership/ownership"
)

const (
	inMember = "member"
	inPlane  = "control plane"
)

// memberCluster is a member as the user's own credential sees it.
type memberCluster struct {
	name   string
	config *rest.Config
	kube   kubernetes.Interface
	// id is the UID of its kube-system namespace: what makes it that cluster.
	id      string
	version string
}

// tokens are the credentials that a prepared member gave out.
type tokens struct{ writer, claimer, impersonator string }

// prepare makes everything that the control plane needs inside the member, claiming it first:
// of two control planes that join a member at once, one stops before it made an identity.
func (r *run) prepare(ctx context.Context, m *memberCluster, claim ownership.Claim, mode identity.Mode) (tokens, error) {
	var t tokens
	if err := r.awaitNamespaceGone(ctx, m); err != nil {
		return t, err
	}
	ns, err := ensure(ctx, r, inMember, "Namespace", m.kube.CoreV1().Namespaces(),
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: wellknown.SystemNamespace, Labels: identity.Labels()}},
		func(*corev1.Namespace) bool { return false }) // one that we did not make stays the user's
	if err != nil {
		return t, err
	}
	if err := r.claim(ctx, m, claim); err != nil {
		return t, err
	}
	if err := r.ensureClaimer(ctx, m, ns); err != nil {
		return t, err
	}
	if err := r.ensureWriter(ctx, m, claim.Epoch, mode); err != nil {
		return t, err
	}
	if err := r.ensureImpersonator(ctx, m); err != nil {
		return t, err
	}
	// All three are asked for before the first is awaited: the member fills them side by side.
	accounts := []string{identity.Writer(claim.Epoch), identity.Claimer, identity.Impersonator}
	for _, a := range accounts {
		if err := r.ensureTokenSecret(ctx, m, a); err != nil {
			return t, err
		}
	}
	if r.dryRun {
		return t, nil
	}
	for i, token := range []*string{&t.writer, &t.claimer, &t.impersonator} {
		if *token, err = r.token(ctx, m, accounts[i]); err != nil {
			return t, err
		}
	}
	return t, nil
}

// awaitNamespaceGone lets a namespace go that an unjoin has just deleted.
func (r *run) awaitNamespaceGone(ctx context.Context, m *memberCluster) error {
	told := false
	err := wait.PollUntilContextCancel(ctx, 100*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		ns, err := m.kube.CoreV1().Namespaces().Get(ctx, wellknown.SystemNamespace, metav1.GetOptions{})
		if apierrors.IsNotFound(err) || (err == nil && ns.DeletionTimestamp == nil) {
			return true, nil
		}
		if err == nil && !told {
			told = true
			r.report("member: waiting for the former namespace " + ns.Name + " to go")
		}
		return err == nil && r.dryRun, err
	})
	if err != nil && told {
		return failed(TimedOut, err, "namespace %s of member %s is still being deleted; join again when it is gone", wellknown.SystemNamespace, m.name)
	}
	return err
}

func (r *run) claim(ctx context.Context, m *memberCluster, claim ownership.Claim) error {
	const object = "ownership"
	if r.dryRun {
		_, owned, err := ownership.Read(ctx, m.kube.CoreV1())
		if err == nil && !owned {
			r.did(inMember, "claimed", object)
		}
		return err
	}
	_, ownedBefore, err := ownership.Read(ctx, m.kube.CoreV1())
	if err != nil {
		return err
	}
	changed, err := ownership.Acquire(ctx, m.kube.CoreV1(), claim)
	if err != nil {
		return err
	}
	if changed {
		r.did(inMember, "claimed", object)
		if !ownedBefore {
			r.undo.add("member: ownership", func(ctx context.Context) error {
				_, err := ownership.Release(ctx, m.kube.CoreV1(), claim)
				return err
			})
		}
	}
	return nil
}

// ensureClaimer makes the claimer. Its role belongs to the namespace and everything else of it to
// the role, so that the claimer can remove itself: what is left after one deletion, the member's
// garbage collector takes.
func (r *run) ensureClaimer(ctx context.Context, m *memberCluster, ns *corev1.Namespace) error {
	var owner []metav1.OwnerReference
	if ns.UID != "" { // empty in a dry run
		owner = []metav1.OwnerReference{{APIVersion: "v1", Kind: "Namespace", Name: ns.Name, UID: ns.UID}}
	}
	role, err := r.ensureClusterRole(ctx, m, identity.Claimer, identity.ClaimerRules(), owner)
	if err != nil {
		return err
	}
	owner = nil
	if role.UID != "" {
		owner = []metav1.OwnerReference{{APIVersion: rbacv1.SchemeGroupVersion.String(), Kind: "ClusterRole", Name: role.Name, UID: role.UID}}
	}
	if err := r.ensureAccount(ctx, m, identity.Claimer, owner); err != nil {
		return err
	}
	if err := r.ensureClusterBinding(ctx, m, identity.Claimer, identity.Claimer, owner); err != nil {
		return err
	}
	want := &rbacv1.Role{ObjectMeta: objectMeta(identity.Claimer, owner), Rules: identity.ClaimerNamespaceRules()}
	if _, err := ensure(ctx, r, inMember, "Role", m.kube.RbacV1().Roles(wellknown.SystemNamespace), want, func(have *rbacv1.Role) bool {
		changed := mergeOwner(have, owner)
		if !apiequality.Semantic.DeepEqual(have.Rules, want.Rules) {
			have.Rules, changed = want.Rules, true
		}
		return mergeLabels(have, want.Labels) || changed
	}); err != nil {
		return err
	}
	binding := &rbacv1.RoleBinding{ObjectMeta: objectMeta(identity.Claimer, owner),
		Subjects: []rbacv1.Subject{identity.Subject(identity.Claimer)},
		RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: identity.Claimer}}
	_, err = ensure(ctx, r, inMember, "RoleBinding", m.kube.RbacV1().RoleBindings(wellknown.SystemNamespace), binding, func(have *rbacv1.RoleBinding) bool {
		changed := mergeOwner(have, owner)
		if !slices.Equal(have.Subjects, binding.Subjects) {
			have.Subjects, changed = binding.Subjects, true
		}
		return mergeLabels(have, binding.Labels) || changed
	})
	return err
}

// ensureWriter makes the writer of the epoch and removes those of other epochs. A role that has grown keeps
// what it was granted, unless the mode changes.
func (r *run) ensureWriter(ctx context.Context, m *memberCluster, epoch int64, mode identity.Mode) error {
	rules := identity.WriterBase()
	if mode == identity.Admin {
		served, err := servedResources(m.kube)
		if err != nil {
			return err
		}
		rules = identity.AdminRules(served)
	}
	account := identity.Writer(epoch)
	if err := r.ensureAccount(ctx, m, account, nil); err != nil {
		return err
	}
	want := &rbacv1.ClusterRole{ObjectMeta: objectMeta(identity.WriterRole, nil), Rules: rules}
	want.Namespace, want.Annotations = "", map[string]string{identity.ModeAnnotation: string(mode)}
	if _, err := ensure(ctx, r, inMember, "ClusterRole", m.kube.RbacV1().ClusterRoles(), want, func(have *rbacv1.ClusterRole) bool {
		changed := mergeLabels(have, want.Labels)
		if have.Annotations[identity.ModeAnnotation] != string(mode) {
			have.Annotations = maps.Clone(have.Annotations)
			if have.Annotations == nil {
				have.Annotations = map[string]string{}
			}
			have.Annotations[identity.ModeAnnotation], have.Rules = string(mode), rules
			return true
		}
		merged, added := identity.MergeRules(have.Rules, rules)
		have.Rules = merged
		return added || changed
	}); err != nil {
		return err
	}
	if err := r.ensureClusterBinding(ctx, m, identity.WriterRole, account, nil); err != nil {
		return err
	}
	return r.removeWritersBut(ctx, m, account)
}

func (r *run) removeWritersBut(ctx context.Context, m *memberCluster, keep string) error {
	accounts, err := m.kube.CoreV1().ServiceAccounts(wellknown.SystemNamespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("listing ServiceAccounts of %s: %w", wellknown.SystemNamespace, err)
	}
	for _, a := range accounts.Items {
		if _, isWriter := identity.WriterEpoch(a.Name); !isWriter || a.Name == keep {
			continue
		}
		if !r.dryRun {
			err := m.kube.CoreV1().ServiceAccounts(a.Namespace).Delete(ctx, a.Name, metav1.DeleteOptions{})
			if err != nil && !apierrors.IsNotFound(err) {
				return fmt.Errorf("deleting ServiceAccount %s/%s: %w", a.Namespace, a.Name, err)
			}
		}
		r.did(inMember, "deleted", "ServiceAccount "+a.Namespace+"/"+a.Name)
	}
	return nil
}

func (r *run) ensureImpersonator(ctx context.Context, m *memberCluster) error {
	if err := r.ensureAccount(ctx, m, identity.Impersonator, nil); err != nil {
		return err
	}
	if _, err := r.ensureClusterRole(ctx, m, identity.Impersonator, identity.ImpersonatorRules(), nil); err != nil {
		return err
	}
	return r.ensureClusterBinding(ctx, m, identity.Impersonator, identity.Impersonator, nil)
}

func (r *run) ensureAccount(ctx context.Context, m *memberCluster, name string, owner []metav1.OwnerReference) error {
	want := &corev1.ServiceAccount{ObjectMeta: objectMeta(name, owner)}
	_, err := ensure(ctx, r, inMember, "ServiceAccount", m.kube.CoreV1().ServiceAccounts(wellknown.SystemNamespace), want, func(have *corev1.ServiceAccount) bool {
		changed := mergeOwner(have, owner)
		return mergeLabels(have, want.Labels) || changed
	})
	return err
}

func (r *run) ensureClusterRole(ctx context.Context, m *memberCluster, name string, rules []rbacv1.PolicyRule, owner []metav1.OwnerReference) (*rbacv1.ClusterRole, error) {
	want := &rbacv1.ClusterRole{ObjectMeta: objectMeta(name, owner), Rules: rules}
	want.Namespace = ""
	return ensure(ctx, r, inMember, "ClusterRole", m.kube.RbacV1().ClusterRoles(), want, func(have *rbacv1.ClusterRole) bool {
		changed := mergeOwner(have, owner)
		if !apiequality.Semantic.DeepEqual(have.Rules, rules) {
			have.Rules, changed = rules, true
		}
		return mergeLabels(have, want.Labels) || changed
	})
}

// ensureClusterBinding binds the cluster role of that name to one service account and to no other.
func (r *run) ensureClusterBinding(ctx context.Context, m *memberCluster, role, account string, owner []metav1.OwnerReference) error {
	want := &rbacv1.ClusterRoleBinding{ObjectMeta: objectMeta(role, owner),
		Subjects: []rbacv1.Subject{identity.Subject(account)}, RoleRef: identity.RoleRef(role)}
	want.Namespace = ""
	have, err := ensure(ctx, r, inMember, "ClusterRoleBinding", m.kube.RbacV1().ClusterRoleBindings(), want, func(have *rbacv1.ClusterRoleBinding) bool {
		changed := mergeOwner(have, owner)
		if !slices.Equal(have.Subjects, want.Subjects) {
			have.Subjects, changed = want.Subjects, true
		}
		return mergeLabels(have, want.Labels) || changed
	})
	if err == nil && have.RoleRef != want.RoleRef {
		return failed(Taken, nil, "ClusterRoleBinding %s of member %s binds %s %s and is not ours; remove it and join again", role, m.name, have.RoleRef.Kind, have.RoleRef.Name)
	}
	return err
}

func objectMeta(name string, owner []metav1.OwnerReference) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: name, Namespace: wellknown.SystemNamespace, Labels: identity.Labels(), OwnerReferences: owner}
}

// servedResources lists what a member serves, subresources included.
func servedResources(kube kubernetes.Interface) ([]schema.GroupResource, error) {
	_, lists, err := kube.Discovery().ServerGroupsAndResources()
	if len(lists) == 0 {
		return nil, fmt.Errorf("discovering the member's APIs: %w", err)
	}
	var out []schema.GroupResource // a group whose server is down is granted when it is used
	for _, list := range lists {
		gv, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			continue
		}
		for _, r := range list.APIResources {
			out = append(out, schema.GroupResource{Group: gv.Group, Resource: r.Name})
		}
	}
	return out, nil
}
