package testbed

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"time"
)

// validity of all certificates of a bed: long enough to never matter.
const validity = 365 * 24 * time.Hour

// authority is a certificate authority kept in two files.
type authority struct {
	certFile, keyFile string
	cert              *x509.Certificate
	key               *ecdsa.PrivateKey
}

// ensureAuthority reads the authority from path.crt and path.key, or makes it.
func ensureAuthority(path, name string) (*authority, error) {
	a := &authority{certFile: path + ".crt", keyFile: path + ".key"}
	certPEM, certErr := os.ReadFile(a.certFile)
	keyPEM, keyErr := os.ReadFile(a.keyFile)
	if certErr == nil && keyErr == nil {
		certBlock, _ := pem.Decode(certPEM)
		keyBlock, _ := pem.Decode(keyPEM)
		if certBlock == nil || keyBlock == nil {
			return nil, fmt.Errorf("%s: not a certificate and key in PEM", path)
		}
		var err error
		if a.cert, err = x509.ParseCertificate(certBlock.Bytes); err != nil {
			return nil, fmt.Errorf("reading %s: %w", a.certFile, err)
		}
		if a.key, err = x509.ParseECPrivateKey(keyBlock.Bytes); err != nil {
			return nil, fmt.Errorf("reading %s: %w", a.keyFile, err)
		}
		return a, nil
	}
	for _, err := range []error{certErr, keyErr} {
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	var err error
	if a.key, err = writeKey(a.keyFile); err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: name},
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	a.cert, err = writeCertificate(a.certFile, template, template, &a.key.PublicKey, a.key)
	return a, err
}

// ensureLeaf makes path.crt and path.key unless both exist. subject is the
// identity of a client and the name of a server; hosts makes it a server's
// certificate too.
func (a *authority) ensureLeaf(path string, subject pkix.Name, hosts ...string) (certFile, keyFile string, err error) {
	certFile, keyFile = path+".crt", path+".key"
	if exists(certFile) && exists(keyFile) {
		return certFile, keyFile, nil
	}
	key, err := writeKey(keyFile)
	if err != nil {
		return "", "", err
	}
	template := &x509.Certificate{
		Subject:     subject,
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	if len(hosts) > 0 {
		template.ExtKeyUsage = append(template.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
	}
	_, err = writeCertificate(certFile, template, a.cert, &key.PublicKey, a.key)
	return certFile, keyFile, err
}

func writeKey(file string) (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, err
	}
	return key, writePEM(file, "EC PRIVATE KEY", der)
}

// writePublicKey writes the public half of key as kube-apiserver reads it.
func writePublicKey(file string, key *ecdsa.PrivateKey) error {
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return err
	}
	return writePEM(file, "PUBLIC KEY", der)
}

func writeCertificate(file string, template, parent *x509.Certificate, public *ecdsa.PublicKey, signer *ecdsa.PrivateKey) (*x509.Certificate, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	template.SerialNumber = serial
	template.NotBefore = time.Now().Add(-time.Hour)
	template.NotAfter = template.NotBefore.Add(validity)
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, signer)
	if err != nil {
		return nil, fmt.Errorf("signing %s: %w", file, err)
	}
	if err := writePEM(file, "CERTIFICATE", der); err != nil {
		return nil, err
	}
	return x509.ParseCertificate(der)
}

func writePEM(file, kind string, der []byte) error {
	return os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}
