package certificates

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"maps"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/util/keyutil"
)

// own is an authority that a user brings along.
type own struct {
	key       *rsa.PrivateKey
	cert, pem []byte
}

func newOwn(t *testing.T, now time.Time, change func(*x509.Certificate)) own {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Our Company"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	change(template)
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := encodeCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	keyPEM, err := keyutil.MarshalPrivateKeyToPEM(key)
	if err != nil {
		t.Fatal(err)
	}
	return own{key: key, cert: cert, pem: keyPEM}
}

func (o own) put(t *testing.T, opts Options) {
	t.Helper()
	write(t, filepath.Join(opts.Directory, "ca.crt"), o.cert)
	write(t, filepath.Join(opts.Directory, "ca.key"), o.pem)
}

func TestOwnAuthorityIsUsed(t *testing.T) {
	opts, clock := newOptions(t)
	ours := newOwn(t, clock.Now(), func(*x509.Certificate) {})
	ours.put(t, opts)
	p := mustOpen(t, opts)
	if string(read(t, p.CA())) != string(ours.cert) || string(read(t, p.CAKey())) != string(ours.pem) {
		t.Error("the user's files were changed")
	}
	leaf := readLeaf(t, p.Serving())
	if leaf.Issuer.CommonName != "Our Company" {
		t.Errorf("issued by %s", leaf.Issuer)
	}
	if !leaf.NotAfter.Equal(clock.Now().Add(24 * time.Hour)) {
		t.Errorf("valid until %v, beyond its authority", leaf.NotAfter)
	}
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: bundle(t, p.CA()), CurrentTime: clock.Now()}); err != nil {
		t.Error(err)
	}
}

// What only its owner can put right is refused in one sentence, and nothing is written.
func TestRefusals(t *testing.T) {
	garbage := func(name string) func(*testing.T, Options, time.Time) {
		return func(t *testing.T, o Options, _ time.Time) {
			write(t, filepath.Join(o.Directory, name), []byte("garbage"))
		}
	}
	with := func(change func(*x509.Certificate)) func(*testing.T, Options, time.Time) {
		return func(t *testing.T, o Options, now time.Time) { newOwn(t, now, change).put(t, o) }
	}
	for name, c := range map[string]struct {
		damage func(t *testing.T, o Options, now time.Time)
		file   string
		want   string
	}{
		"authority's certificate is garbage": {garbage("ca.crt"), "ca.crt", "holds no certificate that can be read"},
		"authority's certificate is empty":   {func(t *testing.T, o Options, _ time.Time) { write(t, filepath.Join(o.Directory, "ca.crt"), nil) }, "ca.crt", "holds no certificate that can be read"},
		"authority's key is garbage":         {garbage("ca.key"), "ca.key", "holds no private key that can be read"},
		"authority's key is missing":         {func(_ *testing.T, o Options, _ time.Time) { os.Remove(filepath.Join(o.Directory, "ca.key")) }, "ca.key", "is missing while"},
		"key of another authority": {func(t *testing.T, o Options, _ time.Time) {
			write(t, filepath.Join(o.Directory, "ca.key"), read(t, filepath.Join(o.Directory, "front-proxy-ca.key")))
		}, "ca.crt", "does not belong to the key in"},
		"front proxy's authority is garbage": {garbage("front-proxy-ca.crt"), "front-proxy-ca.crt", "holds no certificate that can be read"},
		"not an authority":                   {with(func(c *x509.Certificate) { c.IsCA, c.KeyUsage = false, x509.KeyUsageDigitalSignature }), "ca.crt", "is not the certificate of an authority"},
		"may not sign":                       {with(func(c *x509.Certificate) { c.KeyUsage = x509.KeyUsageCRLSign }), "ca.crt", "is not the certificate of an authority"},
		"ended":                              {with(func(c *x509.Certificate) { c.NotAfter = c.NotBefore.Add(time.Minute) }), "ca.crt", "expired on "},
		"not begun":                          {with(func(c *x509.Certificate) { c.NotBefore = c.NotAfter.Add(-time.Minute) }), "ca.crt", "is valid only from "},
		"encrypted key": {func(t *testing.T, o Options, _ time.Time) {
			block := &pem.Block{Type: "RSA PRIVATE KEY", Headers: map[string]string{"Proc-Type": "4,ENCRYPTED"}, Bytes: []byte("x")}
			write(t, filepath.Join(o.Directory, "ca.key"), pem.EncodeToMemory(block))
		}, "ca.key", "holds no private key that can be read"},
		"service-account key is garbage":   {garbage("sa.key"), "sa.key", "holds no private key that can be read"},
		"service-account keys are garbage": {garbage("sa.pub"), "sa.pub", "holds no public key that can be read"},
	} {
		t.Run(name, func(t *testing.T) {
			opts, clock := newOptions(t)
			mustOpen(t, opts)
			c.damage(t, opts, clock.Now())
			before := identities(t, opts)
			_, err := Open(t.Context(), opts)
			hasAll(t, err, filepath.Join(opts.Directory, c.file)+" "+c.want, ": ")
			var file *FileError
			if !errors.As(err, &file) || file.Remedy == "" {
				t.Errorf("got a %T, want a FileError with a remedy", err)
			}
			if after := identities(t, opts); !maps.Equal(before, after) {
				t.Errorf("files were written: %q", changed(before, after))
			}
		})
	}
}

func TestRefusedNames(t *testing.T) {
	for _, san := range []string{"https://plane", "plane:7443", "a b", ""} {
		opts, _ := newOptions(t)
		opts.TLSSANs = []string{san}
		_, err := Open(t.Context(), opts)
		hasAll(t, err, "--tls-san", "is neither an IP address nor a DNS name")
	}
}

// What an error shows of a damaged key ends up in logs.
func TestErrorsShowNoKeys(t *testing.T) {
	opts, _ := newOptions(t)
	p := mustOpen(t, opts)
	key := read(t, p.CAKey())
	write(t, p.CAKey(), key[:len(key)/2])
	_, err := Open(t.Context(), opts)
	hasAll(t, err, "ca.key holds no private key that can be read")
	if secret := string(key[40:60]); strings.Contains(err.Error(), secret) {
		t.Error("the error shows the key")
	}
}
