// Package datadir owns the directory in which one control plane keeps
// everything that must survive a restart. Open makes it on the first start,
// locks it against a second process for as long as the process lives, and
// refuses what it did not make. Only the process that holds the lock writes in
// it; the packages for certificates, etcd and backups each write their own part
// and read nobody else's.
//
// Layout (directories 0700, files 0600 unless stated):
//
//	DATA/atoll.json             the marker: format version and identity of this directory
//	DATA/lock                   flock of the running process, which writes its pid into it
//	DATA/admin.kubeconfig       the administrator's way in, context "atoll"
//	DATA/pki/                   authorities, keys and short-lived certificates (certificates are 0644)
//	DATA/etcd/                  the embedded etcd member and its sockets
//	DATA/backups/               default root of filesystem backups
//	DATA/recovery.key           age identity to which backups are sealed
//
// A first start writes in this order: directory, lock, pki/ and etcd/, marker.
// Whoever finds a lock but no marker therefore finds an interrupted first start,
// which is carried on; whoever finds anything else without a marker finds a
// directory that belongs to someone else, which is refused.
package datadir
