// Package remote asks Karmada's scheduler estimators: gRPC servers, one for each
// member that runs one, that look at the member's nodes and quotas themselves. It is
// for members whose nodes the control plane does not watch, or that know of limits of
// their own; only members that a Cluster's annotation or the options name one for are asked.
//
// All candidates of a decision are asked at once. Whoever does not answer in time is left
// out of the decision and not asked again for a while, so that a dead estimator costs one
// decision its timeout and not every one; why is kept for those who ask. What decisions
// have taken meanwhile goes along with the question.
package remote
