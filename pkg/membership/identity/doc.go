// Package identity names what Atoll owns inside a member cluster and says what
// each of its identities may do there. Three service accounts live in namespace
// atoll-system: the writer (one per epoch) applies what is dispatched, the
// claimer holds the member for a control plane and enlarges the writer's role,
// the impersonator carries users through the cluster proxy. join creates them,
// connection enlarges the writer's role on demand, unjoin removes them. The
// package only computes names and rules; it talks to nobody.
package identity
