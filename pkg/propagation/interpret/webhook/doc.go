// Package webhook interprets kinds by asking the HTTP servers that
// ResourceInterpreterWebhookConfigurations name, in Karmada's protocol
// (config.karmada.io/v1alpha1 ResourceInterpreterContext). Of several webhooks for
// a kind and an operation the first counts, in the order of their configurations'
// and their own names. One that does not answer costs its kinds an error and,
// after a few, nobody any time: see package breaker.
package webhook
