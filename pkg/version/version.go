// Package version says which build of Atoll this is. The linker fills it in.
package version

import (
	"fmt"
	"runtime"

	kubeversion "k8s.io/component-base/version"
)

// Set by the linker.
var (
	version = "devel"
	commit  = "unknown"
)

// Info describes a build.
type Info struct {
	Version string `json:"version"`
	Commit  string `json:"commit"`
	// Kubernetes is the version of the Kubernetes API that is built in.
	Kubernetes string `json:"kubernetes"`
	Go         string `json:"go"`
	Platform   string `json:"platform"`
}

// Get returns this build's description.
func Get() Info {
	return Info{
		Version:    version,
		Commit:     commit,
		Kubernetes: kubeversion.Get().GitVersion,
		Go:         runtime.Version(),
		Platform:   runtime.GOOS + "/" + runtime.GOARCH,
	}
}

func (i Info) String() string {
	return fmt.Sprintf("%s (commit %s, Kubernetes %s, %s, %s)", i.Version, i.Commit, i.Kubernetes, i.Go, i.Platform)
}
