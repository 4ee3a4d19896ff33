// Package ownership says which control plane may write to a member. Each member
// holds one ConfigMap, atoll-system/ownership, with the owner's plane UID, epoch
// and claim ID. A control plane claims it at join by compare-and-swap on its
// resourceVersion and releases it at unjoin; nothing else writes it. The epoch of
// a member never decreases while it is owned, and an equal epoch with another
// claim ID loses: that is what tells two copies of one control plane apart.
package ownership
