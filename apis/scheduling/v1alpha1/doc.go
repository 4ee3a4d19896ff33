// Package v1alpha1 holds the kinds of group scheduling.atoll.dev: questions to the
// scheduler. A PlacementReview carries a question in its spec, which whoever asks
// writes, and the answer in its status, which the leading scheduler alone writes.
// It changes nothing else, and the scheduler deletes it ten minutes later.
//
// +k8s:deepcopy-gen=package
// +k8s:defaulter-gen=TypeMeta
// +k8s:openapi-gen=true
// +k8s:openapi-model-package=dev.atoll.scheduling.v1alpha1
// +groupName=scheduling.atoll.dev
package v1alpha1
