package webhook

import (
	"fmt"
	"io"
	"net/http"
	"net/url"

	configv1alpha1 "github.com/karmada-io/karmada/pkg/apis/config/v1alpha1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	apiserverwebhook "k8s.io/apiserver/pkg/util/webhook"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
)

// maxResponse is how much of an answer is read, in bytes.
const maxResponse = 16 << 20

// Resolver finds the server of a Service.
type Resolver interface {
	ResolveEndpoint(namespace, name string, port int32) (*url.URL, error)
}

// clients are the connections to webhooks.
type clients struct {
	manager apiserverwebhook.ClientManager
}

func newClients(resolver Resolver) (*clients, error) {
	manager, err := apiserverwebhook.NewClientManager([]schema.GroupVersion{configv1alpha1.SchemeGroupVersion}, configv1alpha1.Install)
	if err != nil {
		return nil, fmt.Errorf("building the clients of interpreter webhooks: %w", err)
	}
	if resolver == nil {
		resolver = apiserverwebhook.NewDefaultServiceResolver()
	}
	manager.SetServiceResolver(resolver)
	manager.SetAuthenticationInfoResolver(anonymous{})
	return &clients{manager: manager}, nil
}

// of returns the client of a webhook.
func (c *clients) of(h *hook) (*rest.RESTClient, error) {
	config := apiserverwebhook.ClientConfig{Name: h.Name, CABundle: h.ClientConfig.CABundle, URL: ptr.Deref(h.ClientConfig.URL, "")}
	if s := h.ClientConfig.Service; s != nil {
		config.Service = &apiserverwebhook.ClientConfigService{
			Name: s.Name, Namespace: s.Namespace, Path: ptr.Deref(s.Path, ""), Port: ptr.Deref(s.Port, 443),
		}
	}
	return c.manager.HookClient(config)
}

// anonymous asks webhooks without a credential, as Karmada does.
type anonymous struct{}

func (anonymous) ClientConfigFor(string) (*rest.Config, error) {
	return &rest.Config{WrapTransport: limited}, nil
}

func (a anonymous) ClientConfigForService(string, string, int) (*rest.Config, error) {
	return a.ClientConfigFor("")
}

// limited ends answers that are too long.
func limited(next http.RoundTripper) http.RoundTripper { return limiter{next} }

type limiter struct{ next http.RoundTripper }

func (l limiter) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := l.next.RoundTrip(r)
	if err == nil && response.Body != nil {
		response.Body = &limitedBody{response.Body, maxResponse}
	}
	return response, err
}

type limitedBody struct {
	io.ReadCloser
	left int
}

func (b *limitedBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("the answer has more than %d MiB", maxResponse>>20)
	}
	n, err := b.ReadCloser.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}
