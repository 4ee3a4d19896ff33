package certificates

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"time"

	certutil "k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"

	"atoll.dev/atoll/pkg/apiserver/datadir"
)

// AuthorityDuration is the life of an authority that this package makes.
const AuthorityDuration = 10 * 365 * 24 * time.Hour

// clockSkew is how far a reader's clock may lag behind ours before it takes a
// new certificate for one from the future.
const clockSkew = 5 * time.Minute

// authority is a certificate that signs others. It is immutable.
type authority struct {
	file   string            // of the certificates
	bundle []byte            // the whole file: what readers are told to trust
	cert   *x509.Certificate // the one that fits the key
	key    crypto.Signer
}

// ensureAuthority reads NAME.crt and NAME.key in dir. If both are missing it
// makes them; if only the certificate is (an interrupted first start, which
// writes the key first) it makes one for the key.
func ensureAuthority(dir, name, commonName string, now time.Time) (*authority, error) {
	certFile, keyFile := filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key")
	certPEM, certErr := readOptional(certFile)
	if certErr != nil {
		return nil, certErr
	}
	keyPEM, keyErr := readOptional(keyFile)
	if keyErr != nil {
		return nil, keyErr
	}
	if certPEM != nil && keyPEM == nil {
		return nil, &FileError{File: keyFile, Problem: "is missing while " + certFile + " is there",
			Remedy: "put the key of that authority there (or remove the certificate before a first start, to have a new authority made)"}
	}
	if keyPEM == nil {
		key, err := newKey()
		if err != nil {
			return nil, err
		}
		if keyPEM, err = keyutil.MarshalPrivateKeyToPEM(key); err != nil {
			return nil, fmt.Errorf("cannot encode the key of authority %s: %w", name, err)
		}
		if err := datadir.WriteFile(keyFile, keyPEM, 0o600); err != nil {
			return nil, err
		}
	}
	key, err := parseSigner(keyFile, keyPEM)
	if err != nil {
		return nil, err
	}
	if certPEM == nil {
		if certPEM, err = selfSign(key, commonName, now); err != nil {
			return nil, fmt.Errorf("cannot sign authority %s: %w", name, err)
		}
		if err := datadir.WriteFile(certFile, certPEM, 0o644); err != nil {
			return nil, err
		}
	}
	return newAuthority(certFile, keyFile, certPEM, key, now)
}

func newAuthority(certFile, keyFile string, certPEM []byte, key crypto.Signer, now time.Time) (*authority, error) {
	const restore = "restore the file from a backup of the data directory, or put the right one there"
	certs, err := certutil.ParseCertsPEM(certPEM)
	if err != nil {
		return nil, &FileError{File: certFile, Problem: "holds no certificate that can be read", Remedy: restore, Err: err}
	}
	a := &authority{file: certFile, bundle: certPEM, key: key}
	for _, c := range certs {
		if samePublicKey(c.PublicKey, key.Public()) {
			a.cert = c
			break
		}
	}
	switch {
	case a.cert == nil:
		return nil, &FileError{File: certFile, Problem: "does not belong to the key in " + keyFile, Remedy: restore}
	case !a.cert.IsCA || (a.cert.KeyUsage != 0 && a.cert.KeyUsage&x509.KeyUsageCertSign == 0):
		return nil, &FileError{File: certFile, Problem: "is not the certificate of an authority (it may not sign others)", Remedy: "put a CA certificate there"}
	case now.After(a.cert.NotAfter):
		return nil, &FileError{File: certFile, Problem: "expired on " + a.cert.NotAfter.UTC().Format(time.RFC3339),
			Remedy: "put a new certificate for the same key there, followed by the old one"}
	case now.Before(a.cert.NotBefore):
		return nil, &FileError{File: certFile, Problem: "is valid only from " + a.cert.NotBefore.UTC().Format(time.RFC3339) + " on",
			Remedy: "check the clock of this machine"}
	}
	return a, nil
}

// selfSign makes the certificate of a new authority.
func selfSign(key crypto.Signer, commonName string, now time.Time) ([]byte, error) {
	serial, err := newSerial()
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: commonName},
		NotBefore:             now.Add(-clockSkew).UTC(),
		NotAfter:              now.Add(AuthorityDuration).UTC(),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return encodeCertificate(der)
}

func newKey() (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("cannot make a key: %w", err)
	}
	return key, nil
}

func newSerial() (*big.Int, error) {
	// RFC 5280 wants it positive and at most 20 bytes long.
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, fmt.Errorf("cannot make a serial number: %w", err)
	}
	return serial.Add(serial, big.NewInt(1)), nil
}

func encodeCertificate(der []byte) ([]byte, error) {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return certutil.EncodeCertificates(cert)
}

func parseSigner(file string, keyPEM []byte) (crypto.Signer, error) {
	const remedy = "restore the file from a backup of the data directory, or put an unencrypted RSA or ECDSA key in PEM there"
	parsed, err := keyutil.ParsePrivateKeyPEM(keyPEM)
	if err != nil {
		return nil, &FileError{File: file, Problem: "holds no private key that can be read", Remedy: remedy, Err: err}
	}
	key, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, &FileError{File: file, Problem: fmt.Sprintf("holds a key of a type that cannot sign (%T)", parsed), Remedy: remedy}
	}
	return key, nil
}

// samePublicKey relies on what crypto documents: every public key of the standard library has Equal.
func samePublicKey(a, b crypto.PublicKey) bool {
	comparable, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && comparable.Equal(b)
}

// readOptional returns nil for a file that is not there.
func readOptional(path string) ([]byte, error) {
	content, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, datadir.Explain(err, "read "+path, path)
	}
	return content, nil // os.ReadFile returns no nil slice for an empty file
}
