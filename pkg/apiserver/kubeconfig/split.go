package kubeconfig

import (
	"encoding/pem"

	certutil "k8s.io/client-go/util/cert"
)

// split separates the certificates of a PEM file from the rest of it, the key.
func split(both []byte) (certificates, key []byte) {
	for {
		var block *pem.Block
		block, both = pem.Decode(both)
		if block == nil {
			return certificates, key
		}
		if block.Type == certutil.CertificateBlockType {
			certificates = append(certificates, pem.EncodeToMemory(block)...)
		} else {
			key = append(key, pem.EncodeToMemory(block)...)
		}
	}
}
