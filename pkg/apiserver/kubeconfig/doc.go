// Package kubeconfig writes the kubeconfig files with which people and Atoll's
// own roles reach the API server. The package for certificates says who they
// are for and calls it again at every renewal; a user may add to such a file
// (a namespace for the context, further clusters), which a renewal keeps. Files
// are replaced atomically, with mode 0600, and only when something changed.
package kubeconfig
