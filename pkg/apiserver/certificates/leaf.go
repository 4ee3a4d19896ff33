package certificates

import (
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"time"

	"k8s.io/client-go/util/keyutil"

	"atoll.dev/atoll/pkg/apiserver/datadir"
)

// leaf says what a short-lived certificate must be like.
type leaf struct {
	file   string // its name in DATA/pki
	issuer *authority
	name   pkix.Name
	usages []x509.ExtKeyUsage
	dns    []string // sorted
	ips    []net.IP // sorted by text
}

func clientLeaf(file string, issuer *authority, user string, groups ...string) leaf {
	return leaf{file: file, issuer: issuer, name: pkix.Name{CommonName: user, Organization: groups},
		usages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
}

// ensure issues the leaf anew if the file in dir is not, or is no longer, what it
// must be. It returns the certificate in force and why it was issued, or "" if it
// was left alone.
func (l leaf) ensure(dir string, now time.Time, life time.Duration) (cert *x509.Certificate, reason string, err error) {
	path := filepath.Join(dir, l.file)
	content, err := readOptional(path)
	if err != nil {
		return nil, "", err
	}
	cert, reason = l.inspect(content, now, life)
	if reason == "" {
		return cert, "", nil
	}
	both, cert, err := l.issue(now, life)
	if err != nil {
		return nil, "", fmt.Errorf("cannot issue %s: %w", path, err)
	}
	if err := datadir.WriteFile(path, both, 0o600); err != nil {
		return nil, "", err
	}
	return cert, reason, nil
}

// inspect returns the certificate in content, and why it must be replaced, or "".
func (l leaf) inspect(content []byte, now time.Time, life time.Duration) (*x509.Certificate, string) {
	if content == nil {
		return nil, "missing"
	}
	pair, err := tls.X509KeyPair(content, content)
	if err != nil {
		return nil, "unreadable: " + err.Error()
	}
	cert := pair.Leaf
	switch {
	case cert.CheckSignatureFrom(l.issuer.cert) != nil:
		return nil, "signed by another authority"
	case cert.Subject.CommonName != l.name.CommonName || !slices.Equal(cert.Subject.Organization, l.name.Organization):
		return nil, "issued to another name"
	case !slices.Equal(cert.ExtKeyUsage, l.usages):
		return nil, "issued for another usage"
	case !slices.Equal(cert.DNSNames, l.dns) || !slices.EqualFunc(cert.IPAddresses, l.ips, net.IP.Equal):
		return nil, "subject alternative names changed"
	case now.Before(cert.NotBefore):
		return nil, "valid only in the future"
	case !now.Before(renewalTime(cert)):
		return nil, "due for renewal"
	case cert.NotAfter.After(now.Add(life)):
		return nil, "valid for longer than is wanted now"
	}
	return cert, ""
}

// issue makes a new key and a certificate for it, and returns both in one PEM.
func (l leaf) issue(now time.Time, life time.Duration) ([]byte, *x509.Certificate, error) {
	key, err := newKey()
	if err != nil {
		return nil, nil, err
	}
	serial, err := newSerial()
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial,
		Subject:      l.name,
		// A life of minutes, as in tests, must not be spent by the allowance for skew.
		NotBefore:             later(now.Add(-min(clockSkew, life/10)), l.issuer.cert.NotBefore).UTC(),
		NotAfter:              earlier(now.Add(life), l.issuer.cert.NotAfter).UTC(),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           l.usages,
		BasicConstraintsValid: true,
		DNSNames:              l.dns,
		IPAddresses:           l.ips,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, l.issuer.cert, key.Public(), l.issuer.key)
	if err != nil {
		return nil, nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, nil, err
	}
	certPEM, err := encodeCertificate(der)
	if err != nil {
		return nil, nil, err
	}
	keyPEM, err := keyutil.MarshalPrivateKeyToPEM(key)
	if err != nil {
		return nil, nil, err
	}
	return append(certPEM, keyPEM...), cert, nil
}

// renewalTime is two thirds into the certificate's life, less up to a fifteenth
// of it: the jitter keeps certificates made together from being renewed
// together, and comes from the serial number so that asking twice gives the same
// answer.
func renewalTime(cert *x509.Certificate) time.Time {
	life := cert.NotAfter.Sub(cert.NotBefore)
	var low [8]byte
	serial := cert.SerialNumber.Bytes()
	copy(low[:], serial[max(0, len(serial)-8):])
	jitter := float64(binary.BigEndian.Uint64(low[:])>>11) / (1 << 53)
	return cert.NotBefore.Add(life*2/3 - time.Duration(jitter*float64(life)/15))
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
