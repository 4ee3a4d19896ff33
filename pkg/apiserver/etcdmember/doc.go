// Package etcdmember runs the etcd of a control plane that brings its own: one
// member, inside the server's process, in DATA/etcd. It alone writes there; the
// API server is its client through Endpoints, like that of any etcd, over a Unix
// socket that only the owner of the data directory can reach: no port to be
// taken, no TLS to pay for. Its peer URL is never listened on and is therefore
// the same on every start and every machine.
//
// etcd ends its process when it cannot go on (a disk that is full, a log that is
// corrupt). Here it ends with Done, and Err says in one sentence what is wrong
// and what to do.
package etcdmember
