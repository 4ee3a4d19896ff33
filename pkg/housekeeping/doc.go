// Package housekeeping runs those loops of kube-controller-manager that an API
// server without nodes still needs: deleted namespaces are emptied, dependents of
// deleted owners are collected, service-account token Secrets are filled, finished
// Jobs expire, bootstrap tokens are signed and cleaned, certificate requests are
// signed and cleaned, and aggregated ClusterRoles are filled. The loops are
// Kubernetes' own; they read and write the control plane's API only.
package housekeeping
