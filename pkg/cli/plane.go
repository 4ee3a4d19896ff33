package cli

import (
	"errors"
	"io/fs"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"atoll.dev/atoll/pkg/membership/join"
)

// badPlaneConfig turns a failure to read the control plane's kubeconfig into one sentence.
func badPlaneConfig(err error) error {
	text := "the control plane's kubeconfig cannot be used: " + err.Error()
	switch {
	case clientcmd.IsEmptyConfig(err):
		text = "no control plane is configured; give its kubeconfig with --kubeconfig FILE or the variable KUBECONFIG (atolld server writes DATA/admin.kubeconfig)"
	case errors.Is(err, fs.ErrNotExist):
		text = "the control plane's kubeconfig does not exist: " + err.Error()
	}
	return &join.Error{Kind: join.BadKubeconfig, Text: text, Cause: err}
}

// inCluster tells whether this process is a pod, whose own cluster is then the default.
func inCluster() bool {
	_, err := rest.InClusterConfig()
	return err == nil
}
