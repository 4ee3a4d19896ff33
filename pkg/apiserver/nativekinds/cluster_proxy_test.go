package nativekinds

import (
	"bufio"
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// member is a member's API server as far as the proxy is concerned.
type member struct {
	*httptest.Server
	request *http.Request // the last one
}

func newMember(t *testing.T) *member {
	m := &member{}
	m.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		m.request = req
		switch {
		case req.Header.Get("Upgrade") != "":
			conn, stream, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %s\r\n\r\n", req.Header.Get("Upgrade"))
			line, _ := stream.ReadString('\n')
			fmt.Fprintf(conn, "echo %s", line)
		case req.URL.Query().Get("watch") != "":
			for i := range 2 {
				fmt.Fprintf(w, "event %d\n", i)
				http.NewResponseController(w).Flush()
				if i == 0 {
					<-req.Context().Done() // the second event never comes
				}
			}
		default:
			fmt.Fprintf(w, "%s %s", req.Method, req.URL.RequestURI())
		}
	}))
	t.Cleanup(m.Close)
	return m
}

// join creates a Cluster for the member, with its Secrets.
func (m *member) join(t *testing.T, name string, edit func(map[string]any)) {
	t.Helper()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: m.Certificate().Raw})
	plane.set("karmada-cluster/"+name, map[string][]byte{"caBundle": ca, "token": []byte("writer-token")})
	plane.set("karmada-cluster/"+name+"-impersonator", map[string][]byte{"token": []byte("impersonator-token")})
	u := sample(t, "cluster")
	u.SetName(name)
	spec := u.Object["spec"].(map[string]any)
	spec["apiEndpoint"] = m.URL
	spec["secretRef"] = map[string]any{"namespace": "karmada-cluster", "name": name}
	spec["impersonatorSecretRef"] = map[string]any{"namespace": "karmada-cluster", "name": name + "-impersonator"}
	if edit != nil {
		edit(spec)
	}
	must(client(t, "clusters", v1alpha1).Create(context.Background(), u, metav1.CreateOptions{}))
}

func (p *testPlane) set(key string, data map[string][]byte) {
	p.secrets.Store(key, &corev1.Secret{Data: data})
}

func proxyPath(cluster, path string) string {
	return plane.config.Host + "/apis/cluster.karmada.io/v1alpha1/clusters/" + cluster + "/proxy" + path
}

func TestProxyPassesRequestsOn(t *testing.T) {
	m := newMember(t)
	m.join(t, "passes", nil)
	for _, c := range []struct{ method, path, want string }{
		{http.MethodGet, "/api/v1/pods?limit=5&labelSelector=a%3Db", "GET /api/v1/pods?limit=5&labelSelector=a%3Db"},
		{http.MethodGet, "/apis/", "GET /apis/"},
		{http.MethodPost, "/api/v1/namespaces/default/pods", "POST /api/v1/namespaces/default/pods"},
		{http.MethodPatch, "/api/v1/namespaces/default/pods/a", "PATCH /api/v1/namespaces/default/pods/a"},
		{http.MethodDelete, "/api/v1/namespaces/default/pods/a", "DELETE /api/v1/namespaces/default/pods/a"},
	} {
		req := must(http.NewRequest(c.method, proxyPath("passes", c.path), nil))
		req.Header.Set("Authorization", "Bearer of-the-user")
		response := must(http.DefaultClient.Do(req))
		body := string(must(io.ReadAll(response.Body)))
		response.Body.Close()
		if response.StatusCode != http.StatusOK || body != c.want {
			t.Errorf("%s %s: %d %q, want %q", c.method, c.path, response.StatusCode, body, c.want)
			continue
		}
		header := m.request.Header
		if got := header.Get("Authorization"); got != "Bearer impersonator-token" {
			t.Errorf("member sees Authorization %q", got)
		}
		if got := header.Get("Impersonate-User"); got != requester.Name {
			t.Errorf("member sees user %q, want %q", got, requester.Name)
		}
		if got := header.Values("Impersonate-Group"); len(got) != 1 || got[0] != "developers" {
			t.Errorf("member sees groups %q, want developers", got)
		}
	}
}

// TestProxyImpersonates: who is impersonated in the control plane is who asks in the member.
func TestProxyImpersonates(t *testing.T) {
	m := newMember(t)
	m.join(t, "impersonates", nil)
	req := must(http.NewRequest(http.MethodGet, proxyPath("impersonates", "/version"), nil))
	req.Header.Set("Impersonate-User", "bob")
	req.Header.Set("Impersonate-Group", "ops")
	req.Header.Set("Impersonate-Extra-Scopes", "everything")
	response := must(http.DefaultClient.Do(req))
	response.Body.Close()
	header := m.request.Header
	if header.Get("Impersonate-User") != "bob" || strings.Join(header.Values("Impersonate-Group"), ",") != "ops" || header.Get("Impersonate-Extra-Scopes") != "" {
		t.Errorf("member sees %v, want bob of ops and nothing else", header)
	}
}

func TestProxyStreamsAWatch(t *testing.T) {
	m := newMember(t)
	m.join(t, "watches", nil)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	req := must(http.NewRequestWithContext(ctx, http.MethodGet, proxyPath("watches", "/api/v1/pods?watch=true"), nil))
	response := must(http.DefaultClient.Do(req))
	defer response.Body.Close()
	if line, err := bufio.NewReader(response.Body).ReadString('\n'); line != "event 0\n" {
		t.Errorf("watch gives %q, %v", line, err)
	}
}

// TestProxyUpgrades is what exec, attach and port-forward need.
func TestProxyUpgrades(t *testing.T) {
	m := newMember(t)
	m.join(t, "upgrades", nil)
	upgradeThroughProxy(t, "upgrades")
	if m.request.URL.RawQuery != "command=sh" {
		t.Errorf("member sees query %q, want command=sh", m.request.URL.RawQuery)
	}
}

func upgradeThroughProxy(t *testing.T, cluster string) {
	t.Helper()
	host := must(url.Parse(plane.config.Host)).Host
	conn := must(net.Dial("tcp", host))
	defer conn.Close()
	path := strings.TrimPrefix(proxyPath(cluster, "/api/v1/namespaces/default/pods/a/exec?command=sh"), plane.config.Host)
	fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n", path, host)
	reader := bufio.NewReader(conn)
	response := must(http.ReadResponse(reader, nil))
	if response.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("status is %d, want 101", response.StatusCode)
	}
	fmt.Fprintf(conn, "hello\n")
	if line, err := reader.ReadString('\n'); line != "echo hello\n" {
		t.Errorf("upgraded connection gives %q, %v", line, err)
	}
}

// TestProxyThroughHTTPProxy reaches the member by way of spec.proxyURL, requests and upgraded connections alike.
func TestProxyThroughHTTPProxy(t *testing.T) {
	m := newMember(t)
	var tunnels atomic.Int32
	tunnel := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.Method != http.MethodConnect || req.Header.Get("Proxy-Authorization") != "Basic dTpw" || req.Header.Get("X-Team") != "a" {
			http.Error(w, "no", http.StatusForbidden)
			return
		}
		tunnels.Add(1)
		backend, err := net.Dial("tcp", req.Host)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		conn, stream, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		fmt.Fprint(conn, "HTTP/1.1 200 Connection established\r\n\r\n")
		go func() { io.Copy(backend, stream); backend.Close() }()
		go func() { io.Copy(conn, backend); conn.Close() }()
	}))
	defer tunnel.Close()
	m.join(t, "tunnelled", func(spec map[string]any) {
		spec["proxyURL"] = strings.Replace(tunnel.URL, "http://", "http://u:p@", 1)
		spec["proxyHeader"] = map[string]any{"X-Team": "a"}
	})
	response := must(http.Get(proxyPath("tunnelled", "/version")))
	body := string(must(io.ReadAll(response.Body)))
	response.Body.Close()
	if body != "GET /version" {
		t.Errorf("through the proxy: %d %q", response.StatusCode, body)
	}
	upgradeThroughProxy(t, "tunnelled")
	if tunnels.Load() != 2 {
		t.Errorf("the proxy made %d tunnels, want 2", tunnels.Load())
	}
}

// TestProxyRefusals: a member that cannot be reached is told with the reason, and without a credential.
func TestProxyRefusals(t *testing.T) {
	m := newMember(t)
	stranger := newMember(t)
	m.join(t, "no-token", nil)
	plane.set("karmada-cluster/no-token-impersonator", nil)
	m.join(t, "no-secret", func(spec map[string]any) {
		spec["impersonatorSecretRef"] = map[string]any{"namespace": "karmada-cluster", "name": "gone"}
	})
	m.join(t, "no-impersonator", func(spec map[string]any) { delete(spec, "impersonatorSecretRef") })
	m.join(t, "no-endpoint", func(spec map[string]any) { delete(spec, "apiEndpoint") })
	m.join(t, "no-ca", nil)
	plane.set("karmada-cluster/no-ca", map[string][]byte{"token": []byte("writer-token")})
	m.join(t, "wrong-ca", nil)
	plane.set("karmada-cluster/wrong-ca", map[string][]byte{"caBundle": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")})})
	stranger.join(t, "down", nil)
	stranger.Close()
	for name, c := range map[string]struct {
		code int
		want string
	}{
		"unknown":         {http.StatusNotFound, `clusters.cluster.karmada.io "unknown" not found`},
		"no-token":        {http.StatusServiceUnavailable, "has no key token"},
		"no-secret":       {http.StatusServiceUnavailable, `secrets "gone" not found`},
		"no-impersonator": {http.StatusServiceUnavailable, "spec.impersonatorSecretRef is not set"},
		"no-endpoint":     {http.StatusServiceUnavailable, "spec.apiEndpoint is empty"},
		"no-ca":           {http.StatusServiceUnavailable, "has no certificate in key caBundle"},
		"wrong-ca":        {http.StatusServiceUnavailable, "has no certificate in key caBundle"},
		"down":            {http.StatusServiceUnavailable, "cluster down cannot be reached through the proxy: "},
	} {
		response := must(http.Get(proxyPath(name, "/version")))
		raw := must(io.ReadAll(response.Body))
		response.Body.Close()
		status := &metav1.Status{}
		if err := json.Unmarshal(raw, status); err != nil {
			t.Errorf("%s: %q is no Status: %v", name, raw, err)
		}
		if response.StatusCode != c.code || !strings.Contains(status.Message, c.want) {
			t.Errorf("%s: %d %q, want %d %q", name, response.StatusCode, status.Message, c.code, c.want)
		}
		if strings.Contains(string(raw), "-token\"") {
			t.Errorf("%s: the answer holds a credential: %s", name, raw)
		}
	}
}

func TestSearchIsNotImplemented(t *testing.T) {
	for _, path := range []string{"search/cache/api/v1/pods", "proxying/karmada/proxy/api/v1/pods", "search/cache"} {
		response := must(http.Get(plane.config.Host + "/apis/search.karmada.io/v1alpha1/" + path))
		status := &metav1.Status{}
		if err := json.NewDecoder(response.Body).Decode(status); err != nil {
			t.Errorf("%s: no Status: %v", path, err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusNotImplemented || status.Reason != reasonNotImplemented || !strings.Contains(status.Message, "clusters/NAME/proxy") {
			t.Errorf("%s: %d %+v, want 501 and a way to do without", path, response.StatusCode, status)
		}
	}
}
