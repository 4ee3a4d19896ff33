// Package observe is the read-only view of what the control plane has dispatched
// to members: one informer for each connection and resource that something was
// dispatched to, restricted by the server to objects labelled as ours. Members
// and the dispatcher write those objects; the dispatcher and the reflector read
// them here. An Observer lives as long as its connection.
package observe
