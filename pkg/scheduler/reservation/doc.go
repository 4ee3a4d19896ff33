// Package reservation keeps decisions that are made at the same time from taking the
// same room in a member twice. Book is a framework.ReservePlugin: before a decision is
// written, it claims of estimator.Members what the decision adds to each cluster, and
// decisions that were faster leave less room, or none, for it.
//
// A claim outlives the write, as the room that it took stays visible in the member
// until the pods are there. The Book looks at the bindings behind its claims, once a
// second as long as there are any: a claim ends when the member has reported the pods
// and had time to report what they took, when the binding shrinks, moves or goes, or
// when its time is up. Whoever waits for room is told then. Claims are not stored:
// after a restart the bindings that were placed last are claimed for anew.
package reservation
