package apiserver

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"time"

	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/client-go/rest"

	"atoll.dev/atoll/pkg/apiserver/certificates"
)

// Users of the roles that may share the API server's process. Apart from it they
// authenticate under the same names by client certificate, so that the same RBAC
// rules hold either way.
const (
	SchedulerUser   = certificates.SchedulerUser
	ControllersUser = certificates.ControllersUser
)

// inProcessHost is the authority in the URLs of in-memory requests.
const inProcessHost = "atoll.in-process"

// inProcessUsers authenticates the connections of roles in the same process by
// bearer tokens that exist only in its memory.
type inProcessUsers struct {
	tokens map[string]string // user name → token
}

func newInProcessUsers() (*inProcessUsers, error) {
	u := &inProcessUsers{tokens: map[string]string{}}
	for _, name := range []string{SchedulerUser, ControllersUser} {
		secret := make([]byte, 32)
		if _, err := rand.Read(secret); err != nil {
			return nil, fmt.Errorf("making the in-process token of %s: %w", name, err)
		}
		u.tokens[name] = hex.EncodeToString(secret)
	}
	return u, nil
}

// before returns an authenticator that knows these users and asks next about the rest.
func (u *inProcessUsers) before(next authenticator.Request) authenticator.Request {
	return authenticator.RequestFunc(func(req *http.Request) (*authenticator.Response, bool, error) {
		if req.Host == inProcessHost {
			for name, token := range u.tokens {
				if subtle.ConstantTimeCompare([]byte(req.Header.Get("Authorization")), []byte("Bearer "+token)) == 1 {
					req.Header.Del("Authorization")
					return &authenticator.Response{User: &user.DefaultInfo{
						Name: name, Groups: []string{user.AllAuthenticated},
					}}, true, nil
				}
			}
		}
		return next.AuthenticateRequest(req)
	})
}

// memoryServer serves the API over connections that never leave the process:
// no TLS, no network, no file descriptors.
type memoryServer struct {
	listener *memoryListener
	server   *http.Server
}

func newMemoryServer(handler http.Handler) *memoryServer {
	return &memoryServer{
		listener: newMemoryListener(),
		server:   &http.Server{Handler: handler, ReadHeaderTimeout: 32 * time.Second},
	}
}

// run serves until ctx ends and returns when the listener is closed.
func (m *memoryServer) run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { m.server.Close() })
	defer stop()
	if err := m.server.Serve(m.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving in memory: %w", err)
	}
	return nil
}

// config is how a role in this process reaches the API: as user, without throttling.
func (m *memoryServer) config(token string) *rest.Config {
	return &rest.Config{
		Host:        "http://" + inProcessHost,
		BearerToken: token,
		UserAgent:   "atolld",
		QPS:         -1,
		Dial:        m.listener.DialContext,
		// JSON for Karmada's kinds; clients of Kubernetes' own kinds ask for protobuf.
		DisableCompression: true,
	}
}
