package nativekinds

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apimachinery/pkg/util/proxy"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/endpoints/handlers/responsewriters"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/karmada-io/karmada/pkg/apis/cluster"
)

// clusterProxy serves clusters/NAME/proxy: it passes a request on to the API
// server of the member, in the name of whoever made it. The control plane
// authenticates to the member by the cluster's impersonator credential and says
// who asks by impersonation headers, so that the member's own RBAC decides.
type clusterProxy struct {
	clusters rest.Getter
	secret   func(ctx context.Context, namespace, name string) (*corev1.Secret, error)
}

var _ rest.Connecter = &clusterProxy{}

// connectMethods are the methods that are passed on.
var connectMethods = []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodHead, http.MethodOptions}

func (p *clusterProxy) New() runtime.Object { return &cluster.ClusterProxyOptions{} }

// Destroy does nothing: there is no store.
func (p *clusterProxy) Destroy() {}

func (p *clusterProxy) ConnectMethods() []string {
	return connectMethods
}

func (p *clusterProxy) NewConnectOptions() (runtime.Object, bool, string) {
	return &cluster.ClusterProxyOptions{}, true, "path"
}

// Connect returns a handler that proxies one request to the member of the given name.
func (p *clusterProxy) Connect(ctx context.Context, name string, options runtime.Object, responder rest.Responder) (http.Handler, error) {
	proxyOptions, ok := options.(*cluster.ClusterProxyOptions)
	if !ok {
		return nil, fmt.Errorf("options of clusters/proxy are %T, want ClusterProxyOptions", options)
	}
	obj, err := p.clusters.Get(ctx, name, &metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	member, ok := obj.(*cluster.Cluster)
	if !ok {
		return nil, fmt.Errorf("storage of clusters returned %T", obj)
	}
	location, err := memberLocation(member, proxyOptions.Path)
	if err != nil {
		return nil, unavailable(member, err)
	}
	token, err := p.impersonatorToken(ctx, member)
	if err != nil {
		return nil, unavailable(member, err)
	}
	transport, err := p.transport(ctx, member)
	if err != nil {
		return nil, unavailable(member, err)
	}
	return &memberHandler{location: location, transport: transport, token: token, responder: unreachable{responder, member}}, nil
}

// unavailable tells the user why a member cannot be reached through the proxy.
func unavailable(member *cluster.Cluster, err error) error {
	return apierrors.NewServiceUnavailable(fmt.Sprintf("cluster %s cannot be reached through the proxy: %v", member.Name, err))
}

func memberLocation(member *cluster.Cluster, requestPath string) (*url.URL, error) {
	if member.Spec.APIEndpoint == "" {
		return nil, errors.New("spec.apiEndpoint is empty; set it to the URL of the member's API server")
	}
	location, err := url.Parse(member.Spec.APIEndpoint)
	if err != nil {
		return nil, fmt.Errorf("spec.apiEndpoint is not a URL: %w", err)
	}
	trailing := strings.HasSuffix(requestPath, "/")
	location.Path = path.Join(location.Path, requestPath)
	if trailing && !strings.HasSuffix(location.Path, "/") {
		location.Path += "/"
	}
	return location, nil
}

func (p *clusterProxy) impersonatorToken(ctx context.Context, member *cluster.Cluster) (string, error) {
	ref := member.Spec.ImpersonatorSecretRef
	if ref == nil {
		return "", errors.New("spec.impersonatorSecretRef is not set; join the cluster again")
	}
	secret, err := p.secret(ctx, ref.Namespace, ref.Name)
	if err != nil {
		return "", fmt.Errorf("reading the impersonator's credential: %w", err)
	}
	token := string(secret.Data[cluster.SecretTokenKey])
	if token == "" {
		return "", fmt.Errorf("secret %s/%s has no key %s", ref.Namespace, ref.Name, cluster.SecretTokenKey)
	}
	return token, nil
}

// transport dials the member over TLS and, if the cluster has one, through its
// proxy. It speaks HTTP/1.1, without which a connection cannot be upgraded. A
// cluster without secretRef is verified against the host's certificate authorities.
func (p *clusterProxy) transport(ctx context.Context, member *cluster.Cluster) (*http.Transport, error) {
	tlsConfig := &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: member.Spec.InsecureSkipTLSVerification,
		NextProtos:         []string{"http/1.1"},
	}
	if ref := member.Spec.SecretRef; ref != nil && !member.Spec.InsecureSkipTLSVerification {
		secret, err := p.secret(ctx, ref.Namespace, ref.Name)
		if err != nil {
			return nil, fmt.Errorf("reading the member's certificate authorities: %w", err)
		}
		tlsConfig.RootCAs = x509.NewCertPool()
		if !tlsConfig.RootCAs.AppendCertsFromPEM(secret.Data[cluster.SecretCADataKey]) {
			return nil, fmt.Errorf("secret %s/%s has no certificate in key %s", ref.Namespace, ref.Name, cluster.SecretCADataKey)
		}
	}
	// A transport serves one request, so an idle connection would never be used again.
	transport := utilnet.SetTransportDefaults(&http.Transport{TLSClientConfig: tlsConfig, DisableKeepAlives: true})
	transport.ForceAttemptHTTP2 = false
	transport.Proxy = nil
	if member.Spec.ProxyURL != "" {
		through, err := url.Parse(member.Spec.ProxyURL)
		if err != nil {
			return nil, errors.New("spec.proxyURL is not a URL")
		}
		if transport.DialContext, err = dialerThrough(through, proxyHeader(member.Spec.ProxyHeader)); err != nil {
			return nil, err
		}
	}
	return transport, nil
}

// proxyHeader turns the cluster's proxy headers, whose values are separated by commas, into HTTP headers.
func proxyHeader(headers map[string]string) http.Header {
	header := http.Header{}
	for name, values := range headers {
		header[name] = strings.Split(values, ",")
	}
	return header
}

// memberHandler passes a request on to a member.
type memberHandler struct {
	location  *url.URL
	transport http.RoundTripper
	token     string
	responder proxy.SimpleErrorResponder
}

// unreachable answers errors of the connection to a member.
type unreachable struct {
	rest.Responder
	member *cluster.Cluster
}

func (u unreachable) Error(err error) {
	if _, ok := err.(apierrors.APIStatus); !ok {
		err = unavailable(u.member, err)
	}
	u.Responder.Error(err)
}

func (h *memberHandler) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	requester, ok := request.UserFrom(req.Context())
	if !ok {
		responsewriters.InternalError(w, req, errors.New("the request has no user"))
		return
	}
	req = req.Clone(req.Context())
	setIdentity(req.Header, requester, h.token)
	location := *h.location
	location.RawQuery = req.URL.RawQuery
	handler := proxy.NewUpgradeAwareHandler(&location, h.transport, false, false, proxy.NewErrorResponder(h.responder))
	handler.UseLocationHost = true
	handler.ServeHTTP(w, req)
}

// setIdentity replaces whatever identity the request's headers claim by the

func setIdentity(header http.Header, requester user.Info, token string) {
	for name := range header {
		if strings.HasPrefix(name, "Impersonate-") {
			header.Del(name)
		}
	}
	header.Set("Authorization", "Bearer "+token)
	header.Set(authenticationv1.ImpersonateUserHeader, requester.GetName())
	for _, group := range requester.GetGroups() {
		// The member adds these by itself and may refuse to impersonate them.
		if group == user.AllAuthenticated || group == user.AllUnauthenticated {
			continue
		}
		header.Add(authenticationv1.ImpersonateGroupHeader, group)
	}
}
