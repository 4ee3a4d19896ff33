package kubeconfig

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"atoll.dev/atoll/pkg/apiserver/datadir"
)

// Entry is one way into one API server.
type Entry struct {
	// Name of the context and of the cluster, for example "atoll".
	Name string
	// User names the credential within the file.
	User string
	// Server is the URL of the API server.
	Server string
	// CAData is the PEM bundle to trust; CAFile is used instead if empty.
	CAData []byte
	CAFile string
	// ClientPEM holds a certificate and its key in PEM, embedded in the file;
	// ClientFile is named instead if empty, and is then read again by clients as
	// it is renewed. Relative paths count from the kubeconfig's own directory.
	ClientPEM  []byte
	ClientFile string
}

// Write puts the entry into the file at path, keeping what else is in it, and
// tells whether it changed the file. The entry's context becomes the current one
// if none was. A file that is no kubeconfig is replaced.
func Write(path string, e Entry) (changed bool, err error) {
	before, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return false, datadir.Explain(err, "read "+path, path)
	}
	config, err := clientcmd.Load(before)
	if err != nil {
		config = clientcmdapi.NewConfig()
	}
	e.apply(config)
	after, err := clientcmd.Write(*config)
	if err != nil {
		return false, fmt.Errorf("cannot encode %s: %w", path, err)
	}
	if bytes.Equal(before, after) {
		return false, restrict(path)
	}
	return true, datadir.WriteFile(path, after, 0o600)
}

func (e Entry) apply(config *clientcmdapi.Config) {
	cluster := clientcmdapi.NewCluster()
	cluster.Server = e.Server
	cluster.CertificateAuthorityData = e.CAData
	if len(e.CAData) == 0 {
		cluster.CertificateAuthority = e.CAFile
	}
	config.Clusters[e.Name] = cluster

	user := clientcmdapi.NewAuthInfo()
	if len(e.ClientPEM) == 0 {
		user.ClientCertificate, user.ClientKey = e.ClientFile, e.ClientFile
	} else {
		user.ClientCertificateData, user.ClientKeyData = split(e.ClientPEM)
	}
	config.AuthInfos[e.User] = user

	context := config.Contexts[e.Name]
	if context == nil {
		context = clientcmdapi.NewContext()
		config.Contexts[e.Name] = context
	}
	context.Cluster, context.AuthInfo = e.Name, e.User
	if config.CurrentContext == "" {
		config.CurrentContext = e.Name
	}
}

// restrict takes everyone else's rights to the file away.
func restrict(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return datadir.Explain(err, "look at "+path, path)
	}
	if info.Mode().Perm()&0o077 == 0 {
		return nil
	}
	return datadir.Explain(os.Chmod(path, 0o600), "restrict "+path, path)
}
