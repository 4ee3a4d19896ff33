package join

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// requestTimeout bounds every single request of join and unjoin.
const requestTimeout = 10 * time.Second

// LoadMember reads the user's credential for a member from a kubeconfig file.
// context is empty for the file's current one. Errors are *Error of kind BadKubeconfig or Usage.
func LoadMember(file, context string) (*rest.Config, error) {
	if file == "" {
		return nil, failed(Usage, nil, "the member's kubeconfig is missing; give it with --cluster-kubeconfig FILE")
	}
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, failed(BadKubeconfig, err, "kubeconfig %s does not exist", file)
	}
	if err != nil {
		return nil, failed(BadKubeconfig, err, "kubeconfig %s cannot be read: %v", file, err)
	}
	config, err := clientcmd.Load(data)
	if err != nil {
		return nil, failed(BadKubeconfig, err, "%s is not a kubeconfig: %v", file, err)
	}
	for _, c := range config.Clusters {
		c.LocationOfOrigin = file
	}
	for _, a := range config.AuthInfos {
		a.LocationOfOrigin = file
	}
	if err := clientcmd.ResolveLocalPaths(config); err != nil {
		return nil, failed(BadKubeconfig, err, "kubeconfig %s: %v", file, err)
	}
	if context == "" {
		context = config.CurrentContext
	}
	if context == "" {
		return nil, failed(BadKubeconfig, nil, "kubeconfig %s has no current context; name one with --cluster-context (%s)", file, contexts(config))
	}
	if _, ok := config.Contexts[context]; !ok {
		return nil, failed(BadKubeconfig, nil, "kubeconfig %s has no context %q; it has %s", file, context, contexts(config))
	}
	member, err := clientcmd.NewNonInteractiveClientConfig(*config, context, &clientcmd.ConfigOverrides{}, nil).ClientConfig()
	if err != nil {
		return nil, failed(BadKubeconfig, err, "context %q of kubeconfig %s cannot be used: %v", context, file, err)
	}
	return member, nil
}

func contexts(config *clientcmdapi.Config) string {
	if len(config.Contexts) == 0 {
		return "no contexts at all"
	}
	return strings.Join(slices.Sorted(maps.Keys(config.Contexts)), ", ")
}

// bounded returns a copy of the config whose requests end in time and are not throttled.
func bounded(config *rest.Config) *rest.Config {
	c := rest.CopyConfig(config)
	c.QPS, c.Timeout = -1, requestTimeout
	return c
}
