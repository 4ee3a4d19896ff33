package remote_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/protowire"
)

// files are a CA, and a certificate of 127.0.0.1 with its key that the CA has issued.
type files struct{ ca, cert, key string }

func issue(t *testing.T) files {
	t.Helper()
	dir := t.TempDir()
	f := files{filepath.Join(dir, "ca.pem"), filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")}
	caKey, ca := certificate(t, nil, nil)
	key, leaf := certificate(t, ca, caKey)
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for path, block := range map[string]*pem.Block{
		f.ca: {Type: "CERTIFICATE", Bytes: ca.Raw}, f.cert: {Type: "CERTIFICATE", Bytes: leaf.Raw}, f.key: {Type: "EC PRIVATE KEY", Bytes: der},
	} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

func certificate(t *testing.T, issuer *x509.Certificate, issuerKey *ecdsa.PrivateKey) (*ecdsa.PrivateKey, *x509.Certificate) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		IsCA: issuer == nil, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	if issuer == nil {
		issuer, issuerKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, issuer, key.Public(), issuerKey)
	if err != nil {
		t.Fatal(err)
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return key, made
}

// call is what a server received.
type call struct {
	method string
	body   []byte
	object string
}

// server is an estimator that serves Karmada's methods, with any answer.
type server struct {
	address string
	stop    func()
	answer  func(ctx context.Context, c call) (int32, error)

	mu    sync.Mutex
	calls []call
}

func (s *server) received() []call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]call(nil), s.calls...)
}

// verbatim passes messages on as they come over the wire.
type verbatim struct{}

func (verbatim) Name() string                  { return "proto" }
func (verbatim) Marshal(v any) ([]byte, error) { return *v.(*[]byte), nil }
func (verbatim) Unmarshal(data []byte, v any) error {
	*v.(*[]byte) = append([]byte(nil), data...)
	return nil
}
func serve(t *testing.T, f files, answer func(context.Context, call) (int32, error)) *server {
	t.Helper()
	return serveAt(t, "127.0.0.1:0", f, answer)
}

// serveAt serves with a certificate of f, to those who have one too.
func serveAt(t *testing.T, address string, f files, answer func(context.Context, call) (int32, error)) *server {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{address: listener.Addr().String(), answer: answer}
	options := []grpc.ServerOption{grpc.ForceServerCodec(verbatim{})}
	if f.ca != "" {
		pair, err := tls.LoadX509KeyPair(f.cert, f.key)
		if err != nil {
			t.Fatal(err)
		}
		ca, err := os.ReadFile(f.ca)
		if err != nil {
			t.Fatal(err)
		}
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(ca)
		options = append(options, grpc.Creds(credentials.NewTLS(&tls.Config{
			Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS13,
		})))
	}
	g := grpc.NewServer(options...)
	description := &grpc.ServiceDesc{ServiceName: "github.com.karmada_io.karmada.pkg.estimator.service.Estimator", HandlerType: (*any)(nil)}
	for _, method := range []string{"MaxAvailableReplicas", "MaxAvailableComponentSets", "GetUnschedulableReplicas"} {
		description.Methods = append(description.Methods, grpc.MethodDesc{MethodName: method, Handler: s.handler(method)})
	}
	g.RegisterService(description, s)
	done := make(chan struct{})
	go func() { defer close(done); _ = g.Serve(listener) }()
	s.stop = sync.OnceFunc(func() { g.Stop(); <-done })
	t.Cleanup(s.stop)
	return s
}

func (s *server) handler(method string) grpc.MethodHandler {
	return func(_ any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
		c := call{method: method}
		if err := decode(&c.body); err != nil {
			return nil, err
		}
		if md, ok := metadata.FromIncomingContext(ctx); ok {
			c.object = fmt.Sprint(md.Get("object"))
		}
		s.mu.Lock()
		s.calls = append(s.calls, c)
		s.mu.Unlock()
		n, err := s.answer(ctx, c)
		if err != nil {
			return nil, err
		}
		out := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), uint64(int64(n)))
		return &out, nil
	}
}
