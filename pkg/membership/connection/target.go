package connection

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	clusterv1alpha1 "github.com/karmada-io/karmada/pkg/apis/cluster/v1alpha1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"atoll.dev/atoll/apis/karmada/wellknown"
	"atoll.dev/atoll/pkg/membership/identity"
)

// Bounds on talking to a member. A hung member costs its own callers these and nobody else anything.
const (
	// DialTimeout bounds opening a TCP connection, and again the TLS handshake.
	DialTimeout = 5 * time.Second
	// AnswerTimeout bounds waiting for the first byte of an answer, a watch's included.
	AnswerTimeout = 15 * time.Second
	// pingAfter is the silence on a connection after which it is pinged, pingTimeout how long the
	// pong may take: a connection to a stopped member, watches on it included, fails within the sum.
	pingAfter   = 15 * time.Second
	pingTimeout = 10 * time.Second
	// idleTimeout closes a connection that nothing uses; idlePerMember bounds how many are kept.
	idleTimeout   = 90 * time.Second
	idlePerMember = 4
)

// UserAgent is sent to members by the control plane.
const UserAgent = "atoll"

// target is all that a connection is made of.
type target struct {
	cluster      string
	endpoint     string
	insecure     bool
	ca           []byte
	proxyURL     string
	proxyHeader  map[string]string
	writerToken  string
	claimerToken string
}

// revision tells cheaply whether a target may have changed since it was read.
type revision struct {
	clusterUID, writerUID, claimerUID string
	generation                        int64
	writerVersion, claimerVersion     string
}

// Unavailable says why a member has no connection. Reason is stable for programs, the text is for people.
type Unavailable struct {
	Cluster string
	Reason  UnavailableReason
	detail  string
}

// UnavailableReason classifies an Unavailable.
type UnavailableReason string

const (
	// NotJoined: there is no Cluster object of that name.
	NotJoined UnavailableReason = "NotJoined"
	// PullMode: the member is served by its own agent.
	PullMode UnavailableReason = "PullMode"
	// CredentialMissing: the Cluster names no Secret, or the Secret or its token is missing.
	CredentialMissing UnavailableReason = "CredentialMissing"
	// Invalid: the endpoint or the proxy of the Cluster cannot be used.
	Invalid UnavailableReason = "Invalid"
	// Removed: the Cluster is being deleted and its works are gone already.
	Removed UnavailableReason = "Removed"
)

func (e *Unavailable) Error() string {
	return fmt.Sprintf("member %s has no connection: %s", e.Cluster, e.detail)
}

// readTarget collects what a connection to the cluster is made of. It returns an *Unavailable for
// what the user can mend and any other error for a failed read.
func readTarget(ctx context.Context, r client.Reader, name string) (target, revision, error) {
	t, rev := target{cluster: name}, revision{}
	unavailable := func(reason UnavailableReason, format string, args ...any) (target, revision, error) {
		return target{}, rev, &Unavailable{Cluster: name, Reason: reason, detail: fmt.Sprintf(format, args...)}
	}
	cluster := &clusterv1alpha1.Cluster{}
	if err := r.Get(ctx, client.ObjectKey{Name: name}, cluster, client.UnsafeDisableDeepCopy); err != nil {
		if apierrors.IsNotFound(err) {
			return unavailable(NotJoined, "no cluster of that name is joined")
		}
		return target{}, rev, fmt.Errorf("reading Cluster %s: %w", name, err)
	}
	rev.clusterUID, rev.generation = string(cluster.UID), cluster.Generation
	if cluster.DeletionTimestamp != nil && !slices.Contains(cluster.Finalizers, wellknown.ClusterControllerFinalizer) {
		// Until the finalizer goes, the connection is needed to clean the member up.
		return unavailable(Removed, "it is being removed")
	}
	if cluster.Spec.SyncMode == clusterv1alpha1.Pull {
		return unavailable(PullMode, "it is in pull mode, its own agent writes to it")
	}
	if cluster.Spec.APIEndpoint == "" {
		return unavailable(Invalid, "spec.apiEndpoint of Cluster %s is empty", name)
	}
	ref := cluster.Spec.SecretRef
	if ref == nil {
		return unavailable(CredentialMissing, "spec.secretRef of Cluster %s is empty", name)
	}
	secret := &corev1.Secret{}
	if err := r.Get(ctx, client.ObjectKey{Namespace: ref.Namespace, Name: ref.Name}, secret, client.UnsafeDisableDeepCopy); err != nil {
		if apierrors.IsNotFound(err) {
			return unavailable(CredentialMissing, "Secret %s/%s is missing; join the cluster again", ref.Namespace, ref.Name)
		}
		return target{}, rev, fmt.Errorf("reading the credential of member %s: %w", name, err)
	}
	rev.writerUID, rev.writerVersion = string(secret.UID), secret.ResourceVersion
	ca, hasCA := secret.Data[clusterv1alpha1.SecretCADataKey]
	t.writerToken = string(secret.Data[clusterv1alpha1.SecretTokenKey])
	if t.writerToken == "" {
		return unavailable(CredentialMissing, "Secret %s/%s has no value for %q; join the cluster again", ref.Namespace, ref.Name, clusterv1alpha1.SecretTokenKey)
	}
	if !hasCA && !cluster.Spec.InsecureSkipTLSVerification {
		return unavailable(CredentialMissing, "Secret %s/%s has no value for %q; join the cluster again", ref.Namespace, ref.Name, clusterv1alpha1.SecretCADataKey)
	}
	t.endpoint, t.insecure = cluster.Spec.APIEndpoint, cluster.Spec.InsecureSkipTLSVerification
	t.proxyURL, t.proxyHeader = cluster.Spec.ProxyURL, cluster.Spec.ProxyHeader
	if !t.insecure {
		t.ca = ca
	}
	claimer := &corev1.Secret{}
	err := r.Get(ctx, client.ObjectKey{Namespace: wellknown.ClusterNamespace, Name: identity.ClaimerSecret(name)}, claimer, client.UnsafeDisableDeepCopy)
	if err != nil && !apierrors.IsNotFound(err) {
		return target{}, rev, fmt.Errorf("reading the claimer's credential of member %s: %w", name, err)
	}
	if err == nil {
		rev.claimerUID, rev.claimerVersion = string(claimer.UID), claimer.ResourceVersion
		t.claimerToken = string(claimer.Data[clusterv1alpha1.SecretTokenKey])
	}
	return t, rev, nil
}

// fingerprint identifies the target without holding its secrets.
func (t target) fingerprint() [sha256.Size]byte {
	data, err := json.Marshal([]any{t.cluster, t.endpoint, t.insecure, t.ca, t.proxyURL, t.proxyHeader, t.writerToken, t.claimerToken})
	if err != nil {
		panic(err) // strings, booleans and bytes always marshal
	}
	return sha256.Sum256(data)
}

func (t target) restConfig(token string) (*rest.Config, *http.Transport, error) {
	transport, err := t.newTransport()
	if err != nil {
		return nil, nil, err
	}
	config, err := t.restConfigOver(token, transport)
	return config, transport, err
}

// restConfigOver carries another identity over the same sockets.
func (t target) restConfigOver(token string, transport http.RoundTripper) (*rest.Config, error) {
	host := t.endpoint
	if !strings.Contains(host, "://") {
		host = "https://" + host
	}
	if _, err := url.Parse(host); err != nil {
		return nil, &Unavailable{Cluster: t.cluster, Reason: Invalid, detail: fmt.Sprintf("spec.apiEndpoint of Cluster %s is not a URL", t.cluster)}
	}
	return &rest.Config{Host: host, BearerToken: token, Transport: transport, QPS: -1, UserAgent: UserAgent}, nil
}

func (t target) newTransport() (*http.Transport, error) {
	tlsConfig, err := rest.TLSConfigFor(&rest.Config{TLSClientConfig: rest.TLSClientConfig{Insecure: t.insecure, CAData: t.ca}})
	if err != nil {
		return nil, &Unavailable{Cluster: t.cluster, Reason: CredentialMissing,
			detail: fmt.Sprintf("its certificate authority cannot be used (%v); join the cluster again", err)}
	}
	transport := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		TLSClientConfig:       tlsConfig,
		DialContext:           (&net.Dialer{Timeout: DialTimeout, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:   DialTimeout,
		ResponseHeaderTimeout: AnswerTimeout,
		IdleConnTimeout:       idleTimeout,
		MaxIdleConns:          idlePerMember,
		MaxIdleConnsPerHost:   idlePerMember,
		ForceAttemptHTTP2:     true,
		HTTP2:                 &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingTimeout},
	}
	if t.proxyURL != "" {
		proxy, err := url.Parse(t.proxyURL)
		if err != nil { // its text would repeat the URL, which may hold a password
			return nil, &Unavailable{Cluster: t.cluster, Reason: Invalid, detail: fmt.Sprintf("spec.proxyURL of Cluster %s is not a URL", t.cluster)}
		}
		transport.Proxy = http.ProxyURL(proxy)
		transport.ProxyConnectHeader = http.Header{}
		for key, values := range t.proxyHeader {
			for _, v := range strings.Split(values, ",") {
				transport.ProxyConnectHeader.Add(key, strings.TrimSpace(v))
			}
		}
	}
	return transport, nil
}
