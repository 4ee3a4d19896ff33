package identity

import (
	"fmt"
	"strconv"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"

	"atoll.dev/atoll/apis/karmada/wellknown"
)

// Names inside a member. Service accounts are in wellknown.SystemNamespace;
// cluster roles and their bindings share one name.
const (
	// Claimer is the service account, cluster role and binding of the identity that holds the
	// member for the control plane.
	Claimer = "atoll-claimer"
	// Impersonator is the service account, cluster role and binding of the identity that carries
	// the users of clusters/NAME/proxy.
	Impersonator = "atoll-impersonator"
	// WriterRole is the cluster role and binding of whichever epoch's writer is in force.
	WriterRole = "atoll-writer"

	writerPrefix = "atoll-writer-e"
)

// Labels and annotations on what Atoll owns inside a member.
const (
	// ManagedByLabel with value ManagedByAtoll marks an object as made by join.
	ManagedByLabel = "app.kubernetes.io/managed-by"
	// ManagedByAtoll is the value of ManagedByLabel.
	ManagedByAtoll = "atoll"
	// ModeAnnotation on the writer's cluster role says how it grows: a Mode.
	ModeAnnotation = "atoll.dev/rbac"
)

// Writer returns the service account that writes to the member in an epoch.
// The epoch is part of the name, so that the member can tell an old writer from
// the present one.
func Writer(epoch int64) string { return writerPrefix + strconv.FormatInt(epoch, 10) }

// WriterEpoch returns the epoch of a writer's service account, and false if the name is not a writer's.
func WriterEpoch(serviceAccount string) (int64, bool) {
	digits, ok := strings.CutPrefix(serviceAccount, writerPrefix)
	if !ok {
		return 0, false
	}
	epoch, err := strconv.ParseInt(digits, 10, 64)
	return epoch, err == nil && epoch > 0 && strconv.FormatInt(epoch, 10) == digits
}

// TokenSecret returns the Secret that holds a service account's long-lived token inside the member.
func TokenSecret(serviceAccount string) string { return serviceAccount + "-token" }

// ClaimerSecret returns the Secret, in wellknown.ClusterNamespace of the control plane, with the
// claimer's credential for a member. A member that karmadactl joined has none.
func ClaimerSecret(cluster string) string { return cluster + "-claimer" }

// Labels returns the labels of everything that join makes inside a member.
func Labels() map[string]string {
	return map[string]string{ManagedByLabel: ManagedByAtoll, wellknown.SystemLabel: wellknown.LabelValueTrue}
}

// IsOurs tells whether join made the object that carries the labels.
func IsOurs(labels map[string]string) bool { return labels[ManagedByLabel] == ManagedByAtoll }

// Subject returns a service account of the member as the subject of a role binding.
func Subject(serviceAccount string) rbacv1.Subject {
	return rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Namespace: wellknown.SystemNamespace, Name: serviceAccount}
}

// RoleRef returns the reference that binds a cluster role of the member.
func RoleRef(clusterRole string) rbacv1.RoleRef {
	return rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: clusterRole}
}

// Mode says what the writer's cluster role holds.
type Mode string

const (
	// Minimal lists just the kinds that are propagated and grows with them.
	Minimal Mode = "minimal"
	// Admin lists every API group of the member and grows with new groups.
	Admin Mode = "admin"
)

// ParseMode reads a mode as given on a command line.
func ParseMode(s string) (Mode, error) {
	switch m := Mode(s); m {
	case Minimal, Admin:
		return m, nil
	}
	return "", fmt.Errorf("rbac mode %q is unknown; use %q or %q", s, Minimal, Admin)
}
