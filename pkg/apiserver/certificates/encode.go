package certificates

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"

	"k8s.io/client-go/util/keyutil"
)

func encodePublicKey(key crypto.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: keyutil.PublicKeyBlockType, Bytes: der}), nil
}
