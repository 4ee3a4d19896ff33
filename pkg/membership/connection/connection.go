package connection

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/utils/clock"
)

// Connection is a live link to one member: immutable; a changed endpoint or credential makes a new one.
type Connection struct {
	// Cluster is the name of the Cluster object.
	Cluster string
	// Config holds the writer's identity. Client-side throttling is off; dialling, TLS and waiting
	// for an answer are bounded, whereas a watch may last. All clients made from it share one transport.
	Config  *rest.Config
	Dynamic dynamic.Interface
	// Kube speaks protobuf.
	Kube kubernetes.Interface
	// Mapper caches discovery in memory and looks again, at most once a second, for what it does not know.
	Mapper meta.ResettableRESTMapper
	// Done is closed when the connection is replaced or the member left: informers on it must stop.
	Done <-chan struct{}

	done      chan struct{}
	transport *http.Transport
	grants    *granter
}

// Grant makes sure that the writer may manage the resource in this member; free when it already may.
//
// A member whose identities join did not make (karmadactl's grant everything) needs no grants: Grant does nothing there.
// A resource that no writer may hold gives an *identity.RefusedError, which will not change by retrying.
//
// Grant waits, bounded, until the API server that it talks to knows the new right. Other replicas
// of that API server learn of it a moment later, so a Forbidden on a resource that was granted
// within the last few seconds is transient: callers retry.
func (c *Connection) Grant(ctx context.Context, gvr schema.GroupVersionResource) error {
	if c.grants == nil {
		return nil
	}
	if err := c.grants.ensure(ctx, gvr.GroupResource()); err != nil {
		return fmt.Errorf("granting %s in member %s: %w", gvr.GroupResource(), c.Cluster, err)
	}
	return nil
}

// connect makes the clients of a link; it sends nothing.
func connect(t target, clk clock.WithTicker) (*Connection, error) {
	config, transport, err := t.restConfig(t.writerToken)
	if err != nil {
		return nil, err
	}
	httpClient, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("building the client of member %s: %w", t.cluster, err)
	}
	typed := rest.CopyConfig(config)
	typed.ContentType, typed.AcceptContentTypes = "application/vnd.kubernetes.protobuf", "application/vnd.kubernetes.protobuf,application/json"
	kube, err := kubernetes.NewForConfigAndClient(typed, httpClient)
	if err != nil {
		return nil, fmt.Errorf("building the client of member %s: %w", t.cluster, err)
	}
	dyn, err := dynamic.NewForConfigAndClient(config, httpClient)
	if err != nil {
		return nil, fmt.Errorf("building the dynamic client of member %s: %w", t.cluster, err)
	}
	c := &Connection{
		Cluster: t.cluster, Config: config, Dynamic: dyn, Kube: kube,
		Mapper: newMapper(kube.Discovery(), clk),
		done:   make(chan struct{}), transport: transport,
	}
	c.Done = c.done
	if t.claimerToken != "" {
		claimerConfig, err := t.restConfigOver(t.claimerToken, transport)
		if err != nil {
			return nil, err
		}
		claimer, err := kubernetes.NewForConfig(claimerConfig)
		if err != nil {
			return nil, fmt.Errorf("building the claimer's client of member %s: %w", t.cluster, err)
		}
		c.grants = newGranter(claimer.RbacV1().ClusterRoles(), kube.AuthorizationV1().SelfSubjectAccessReviews(), clk)
	}
	return c, nil
}

// lastRequests is how long after its end a connection's sockets are closed again: requests that
// were under way have ended by then. Whatever is idle later, idleTimeout closes.
const lastRequests = 5 * time.Second

// close ends the connection: Done first, so that whoever holds it stops before its sockets go.
func (c *Connection) close() {
	close(c.done)
	c.transport.CloseIdleConnections()
	time.AfterFunc(lastRequests, c.transport.CloseIdleConnections)
}
