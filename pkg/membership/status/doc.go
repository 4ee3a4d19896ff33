// Package status observes member clusters and is the one writer of
// Cluster.status. Each push member has a watcher, a goroutine of its own that
// probes the member's health, follows which APIs it serves and sums up its nodes
// and pods, and patches the Cluster when any of that changed: a member where
// nothing happens causes no write. Conditions, their reasons and messages are
// Karmada's. Pull members are reported by their own agent.
package status
