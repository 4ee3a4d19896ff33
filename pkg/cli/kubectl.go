package cli

import (
	"github.com/spf13/cobra"
	"k8s.io/kubectl/pkg/cmd/apply"
	"k8s.io/kubectl/pkg/cmd/get"
	utilcomp "k8s.io/kubectl/pkg/util/completion"
)

// newGet is kubectl's get.
func newGet(e *env) *cobra.Command {
	cmd := get.NewCmdGet(e.name, e.factory, e.IOStreams)
	cmd.ValidArgsFunction = utilcomp.ResourceTypeAndNameCompletionFunc(e.factory)
	return takenOver(cmd, e.name)
}

// newApply is kubectl's apply.
func newApply(e *env) *cobra.Command {
	return takenOver(apply.NewCmdApply(e.name, e.factory, e.IOStreams), e.name)
}
