// Package budget holds a promise to its word: how much the control plane writes
// for one template. Its test runs the propagation and the scheduler beside
// Atoll's API server, in one process, against real members, and counts the
// transactions and the bytes that arrive in etcd. It contains no other code.
package budget
