// Package nodeports settles the node ports that a Service template leaves open.
// Each member would otherwise choose for itself, and a load balancer in front of
// several members could not name one port for all, as it can with Karmada. Ports
// that the user wrote are nobody's business here: two templates may ask for the
// same one in different members. The API server's Service storage is the caller.
package nodeports
