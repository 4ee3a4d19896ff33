package testbed

import (
	"fmt"
	"os"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// writeKubeconfig writes a kubeconfig that carries its certificates, with one
// context named name.
func writeKubeconfig(path, name, server, caFile, certFile, keyFile string) error {
	var contents [3][]byte
	for i, file := range []string{caFile, certFile, keyFile} {
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		contents[i] = data
	}
	config := clientcmdapi.NewConfig()
	config.Clusters[name] = &clientcmdapi.Cluster{Server: server, CertificateAuthorityData: contents[0]}
	config.AuthInfos[name] = &clientcmdapi.AuthInfo{ClientCertificateData: contents[1], ClientKeyData: contents[2]}
	config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	config.CurrentContext = name
	return writeWhole(path, func(temporary string) error { return clientcmd.WriteToFile(*config, temporary) })
}

// writeWhole lets write fill a file beside path and then renames it, so that
// readers never see half of it.
func writeWhole(path string, write func(temporary string) error) error {
	temporary := path + ".new"
	if err := write(temporary); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return os.Rename(temporary, path)
}

// restConfig reads a kubeconfig for a test's client: no client-side throttle.
func restConfig(kubeconfig string) (*rest.Config, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	config.QPS = -1
	config.UserAgent = "testbed"
	return config, nil
}
