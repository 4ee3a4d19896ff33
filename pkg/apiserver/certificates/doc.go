// Package certificates keeps the keys and certificates of one control plane in
// DATA/pki. Open makes what is missing (authorities and the service-account key
// for ten years, once; leaf certificates for days) and Run renews the leaves
// while the server serves: it alone writes these files, everyone else reads
// them, and re-reads them when they change. Data flows from authority to leaf to
// kubeconfig, each derived from the one before, so that a pass that was killed
// anywhere is completed by the next one.
//
// A leaf and its key share one PEM file that is replaced by a rename: no reader
// ever pairs a new certificate with an old key. Authorities that lie in DATA/pki
// before the first start are used as they are; an authority's file may hold
// several certificates, all of which are trusted, while the one that fits the key
// signs.
package certificates
