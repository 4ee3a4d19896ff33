package serverconfig

import "k8s.io/apimachinery/pkg/util/validation/field"

// pathField is a field that holds a path.
type pathField struct {
	at    *field.Path
	value *string
	// input tells that the file must exist before the server starts.
	input bool
}

func (c *ServerConfiguration) paths() []pathField {
	at := field.NewPath
	estimator := at("scheduler", "estimators", "karmada", "tls")
	estimatorTLS := &c.Scheduler.Estimators.Karmada.TLS
	return []pathField{
		{at("dataDir"), &c.DataDir, false},
		{at("etcd", "caFile"), &c.Etcd.CAFile, true},
		{at("etcd", "certFile"), &c.Etcd.CertFile, true},
		{at("etcd", "keyFile"), &c.Etcd.KeyFile, true},
		{at("audit", "policyFile"), &c.Audit.PolicyFile, true},
		{at("audit", "logPath"), &c.Audit.LogPath, false},
		{at("audit", "webhookConfigFile"), &c.Audit.WebhookConfigFile, true},
		{at("encryption", "providerConfigFile"), &c.Encryption.ProviderConfigFile, true},
		{at("admission", "configFile"), &c.Admission.ConfigFile, true},
		{at("authentication", "configFile"), &c.Authentication.ConfigFile, true},
		{at("authentication", "tokenWebhookConfigFile"), &c.Authentication.TokenWebhookConfigFile, true},
		{estimator.Child("caFile"), &estimatorTLS.CAFile, true},
		{estimator.Child("certFile"), &estimatorTLS.CertFile, true},
		{estimator.Child("keyFile"), &estimatorTLS.KeyFile, true},
		{at("clientConnection", "kubeconfig"), &c.ClientConnection.Kubeconfig, true},
	}
}
