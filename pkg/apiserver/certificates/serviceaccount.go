package certificates

import (
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"path/filepath"

	"k8s.io/client-go/util/keyutil"

	"atoll.dev/atoll/pkg/apiserver/datadir"
)

// serviceAccountKeyBits: RS256 is the one algorithm that every OpenID Connect
// relying party must accept, among them those that trust our issuer.
const serviceAccountKeyBits = 2048

// ensureServiceAccountKeys makes sa.key if it is missing, and puts its public
// key into sa.pub. Public keys that sa.pub holds besides stay trusted: that is
// how a key is rotated.
func ensureServiceAccountKeys(dir string) error {
	keyFile, pubFile := filepath.Join(dir, serviceAccountKeyFile), filepath.Join(dir, serviceAccountPubFile)
	keyPEM, err := readOptional(keyFile)
	if err != nil {
		return err
	}
	if keyPEM == nil {
		key, err := rsa.GenerateKey(rand.Reader, serviceAccountKeyBits)
		if err != nil {
			return fmt.Errorf("cannot make the service-account key: %w", err)
		}
		if keyPEM, err = keyutil.MarshalPrivateKeyToPEM(key); err != nil {
			return fmt.Errorf("cannot encode the service-account key: %w", err)
		}
		if err := datadir.WriteFile(keyFile, keyPEM, 0o600); err != nil {
			return err
		}
	}
	key, err := parseSigner(keyFile, keyPEM)
	if err != nil {
		return err
	}
	pubPEM, err := readOptional(pubFile)
	if err != nil {
		return err
	}
	if pubPEM != nil {
		known, err := keyutil.ParsePublicKeysPEM(pubPEM)
		if err != nil {
			return &FileError{File: pubFile, Problem: "holds no public key that can be read", Err: err,
				Remedy: "restore the file from a backup of the data directory, or remove it to have it made from " + serviceAccountKeyFile}
		}
		for _, k := range known {
			if samePublicKey(k, key.Public()) {
				return nil
			}
		}
	}
	own, err := encodePublicKey(key.Public())
	if err != nil {
		return fmt.Errorf("cannot encode the service-account public key: %w", err)
	}
	return datadir.WriteFile(pubFile, append(own, pubPEM...), 0o644)
}
