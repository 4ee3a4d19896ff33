// Package join brings clusters into the control plane and lets them go. Join
// reads a member's kubeconfig, makes the identities through which the control
// plane will reach the member, claims the member's ownership, and writes the
// credentials and the Cluster object into the control plane; Unjoin takes the
// same down on both sides. The user's own credential for the member is used
// during the call and stored nowhere. Both go through fixed steps that look
// before they write, so that running them again finishes what was interrupted;
// a Join that fails takes back what that run made.
package join
