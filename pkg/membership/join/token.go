package join

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/membership/identity"
)

const (
	// tokenAppears bounds waiting for the member's controller manager to fill a token Secret.
	tokenAppears = 15 * time.Second
	// tokenWorks bounds waiting for the member's authenticator and authorizer to know a new identity.
	tokenWorks = 10 * time.Second
	tokenPoll  = 25 * time.Millisecond
)

// ensureTokenSecret makes the Secret of type service-account-token that holds a service account's
// long-lived token. Such a token does not expire; it ends with its Secret or service account.
func (r *run) ensureTokenSecret(ctx context.Context, m *memberCluster, account string) error {
	want := &corev1.Secret{ObjectMeta: objectMeta(identity.TokenSecret(account), nil), Type: corev1.SecretTypeServiceAccountToken}
	want.Annotations = map[string]string{corev1.ServiceAccountNameKey: account}
	_, err := ensure(ctx, r, inMember, "Secret", m.kube.CoreV1().Secrets(want.Namespace), want, func(*corev1.Secret) bool { return false })
	return err
}

// token returns a service account's token, once the member has issued it. One that the member no
// longer honours (its signing key was changed, say) is replaced.
func (r *run) token(ctx context.Context, m *memberCluster, account string) (string, error) {
	token, uid, err := r.awaitToken(ctx, m, account)
	if err != nil {
		return "", err
	}
	err = r.tokenAccepted(ctx, m, token)
	if err == nil || !apierrors.IsUnauthorized(err) {
		return token, err
	}
	secrets, name := m.kube.CoreV1().Secrets(wellknown.SystemNamespace), identity.TokenSecret(account)
	err = secrets.Delete(ctx, name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}})
	if err != nil && !apierrors.IsNotFound(err) {
		return "", fmt.Errorf("replacing the invalid token of %s: %w", account, err)
	}
	r.did(inMember, "deleted", "Secret "+wellknown.SystemNamespace+"/"+name+" (its token was invalid)")
	if err := r.ensureTokenSecret(ctx, m, account); err != nil {
		return "", err
	}
	token, _, err = r.awaitToken(ctx, m, account)
	return token, err
}

// awaitToken waits until the member's controller manager has filled the token Secret.
func (r *run) awaitToken(ctx context.Context, m *memberCluster, account string) (token string, uid types.UID, err error) {
	err = wait.PollUntilContextTimeout(ctx, tokenPoll, tokenAppears, true, func(ctx context.Context) (bool, error) {
		s, err := m.kube.CoreV1().Secrets(wellknown.SystemNamespace).Get(ctx, identity.TokenSecret(account), metav1.GetOptions{})
		if err != nil {
			return false, err
		}
		token, uid = string(s.Data[corev1.ServiceAccountTokenKey]), s.UID
		return token != "", nil
	})
	if wait.Interrupted(err) && ctx.Err() == nil {
		return "", "", failed(TimedOut, err, "member %s did not issue a token for ServiceAccount %s/%s within %s; is its controller manager running?",
			m.name, wellknown.SystemNamespace, account, tokenAppears)
	}
	if err != nil {
		return "", "", fmt.Errorf("waiting for the token of %s: %w", account, err)
	}
	return token, uid, nil
}

// tokenAccepted tells whether the member authenticates a token: nil or a Forbidden mean that it does.
func (r *run) tokenAccepted(ctx context.Context, m *memberCluster, token string) error {
	kube, err := kubernetes.NewForConfig(withToken(m.config, token))
	if err != nil {
		return err
	}
	_, err = kube.CoreV1().Namespaces().Get(ctx, metav1.NamespaceSystem, metav1.GetOptions{})
	if apierrors.IsForbidden(err) {
		return nil
	}
	return err
}

// verify proves that the writer reaches the very member by the endpoint and authority that the
// control plane will use, and may do what it must.
func (r *run) verify(ctx context.Context, m *memberCluster, token string) error {
	kube, err := kubernetes.NewForConfig(withToken(m.config, token))
	if err != nil {
		return err
	}
	var last error
	err = wait.PollUntilContextTimeout(ctx, tokenPoll, tokenWorks, true, func(ctx context.Context) (bool, error) {
		ns, err := kube.CoreV1().Namespaces().Get(ctx, metav1.NamespaceSystem, metav1.GetOptions{})
		last = err
		if err == nil && string(ns.UID) != m.id {
			return false, failed(Taken, nil, "the address %s leads to different clusters (one has UID %s, another %s)", m.config.Host, m.id, ns.UID)
		}
		// A new identity is unknown to the member's caches for a moment.
		if apierrors.IsUnauthorized(err) || apierrors.IsForbidden(err) {
			return false, nil
		}
		return err == nil, err
	})
	if wait.Interrupted(err) && last != nil {
		return last
	}
	return err
}

// withToken returns the member's configuration with another identity, over the same address,
// authority and proxy.
func withToken(config *rest.Config, token string) *rest.Config {
	c := bounded(rest.AnonymousClientConfig(config))
	c.BearerToken = token
	return c
}
