// Package native interprets the kinds that Kubernetes brings, as Karmada v1.18's
// default interpreter does (pkg/resourceinterpreter/default/native), with its
// rules and its wire forms: what a Work records of a Deployment's status, how
// statuses add up, when something is healthy. Where Karmada's way would be
// refused by the API server or never converge, the comment says what is done
// instead.
package native
