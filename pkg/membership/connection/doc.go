// Package connection gives controllers a live link to each member cluster. What
// a link is made of (endpoint, certificate authority, token, proxy) is read from
// the Cluster object and its Secrets in the control plane; join and users write
// those, nobody writes them here. A Pool holds one Connection a member and
// replaces it when any of that changes, closing the old one's Done. The writer's
// role in the member is enlarged through Grant, by the claimer's identity, which
// never leaves this package.
package connection
