// Package decision holds what a scheduler tells the API server about one binding:
// kind Decision of group scheduling.atoll.dev. A scheduler POSTs it to the
// subresource schedule of a ResourceBinding or ClusterResourceBinding; the API server
// applies it to the binding's spec, annotations and status in one transaction, if the
// binding is still what the decision is based on, and answers with the outcome.
// Nothing of the kind is stored.
//
// +k8s:deepcopy-gen=package
// +k8s:openapi-gen=true
// +k8s:openapi-model-package=dev.atoll.scheduling.decision
// +groupName=scheduling.atoll.dev
package decision
