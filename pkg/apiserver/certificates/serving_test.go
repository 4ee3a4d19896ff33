package certificates

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"k8s.io/apiserver/pkg/server/dynamiccertificates"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// serve runs a server that takes its certificates the way the API server does.
func serve(t *testing.T, p *PKI, port int, now func() time.Time) {
	t.Helper()
	cert, err := dynamiccertificates.NewDynamicServingContentFromFiles("serving", p.Serving(), p.Serving())
	if err != nil {
		t.Fatal(err)
	}
	ca, err := dynamiccertificates.NewDynamicCAContentFromFile("clients", p.CA())
	if err != nil {
		t.Fatal(err)
	}
	base := &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS12, Time: now}
	dynamic := dynamiccertificates.NewDynamicServingCertificateController(base, ca, cert, nil, nil)
	cert.AddListener(dynamic)
	ca.AddListener(dynamic)
	if err := dynamic.RunOnce(); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() { cert.Run(t.Context(), 1) })
	wg.Go(func() { ca.Run(t.Context(), 1) })
	wg.Go(func() { dynamic.Run(1, t.Context().Done()) })
	base.GetConfigForClient = dynamic.GetConfigForClient

	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		peer := r.TLS.PeerCertificates[0]
		fmt.Fprintf(w, "%s %s", peer.Subject.CommonName, peer.SerialNumber)
	})}
	wg.Go(func() { server.Serve(tls.NewListener(listener, base)) })
	t.Cleanup(func() {
		server.Close()
		wg.Wait()
	})
}

// connection is a client that keeps its connection.
type connection struct {
	http        *http.Client
	url         string
	certificate string // serial of the client's
}

// answer of the server: who it took the client for, and what both presented.
type answer struct{ user, client, serial string }

// dial makes a new client from admin.kubeconfig as it is now.
func dial(t *testing.T, p *PKI) *connection {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", p.AdminKubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	with, err := rest.TLSConfigFor(config)
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(config.CertData, config.KeyData)
	if err != nil {
		t.Fatal(err)
	}
	with.Time = p.opts.Clock.Now
	transport := &http.Transport{TLSClientConfig: with}
	t.Cleanup(transport.CloseIdleConnections)
	return &connection{http: &http.Client{Transport: transport}, url: config.Host, certificate: pair.Leaf.SerialNumber.String()}
}

func (c *connection) get(t *testing.T) answer {
	t.Helper()
	response, err := c.http.Get(c.url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var a answer
	if _, err := fmt.Sscan(string(body), &a.user, &a.client); err != nil {
		t.Fatalf("the server said %q", body)
	}
	a.serial = response.TLS.PeerCertificates[0].SerialNumber.String()
	return a
}
