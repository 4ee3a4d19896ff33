// Package apis registers Atoll's own API groups, as package karmada below it does
// Karmada's: Install for an API server, AddToScheme for clients, OpenAPIDefinitions
// for what describes them. The types are in GROUP/VERSION, the rules that requests
// must keep in GROUP/validation.
//
// To add a kind:
//
//  1. Write its types in GROUP/VERSION, with register.go and a doc.go whose tags ask
//     for what is generated; take scheduling/v1alpha1 as the model. Every field has a
//     comment that begins with its JSON name: kubectl explain shows it.
//  2. Write its rules in GROUP/validation, and its defaults, if it has any, as
//     SetDefaults_TYPE in GROUP/VERSION/defaults.go.
//  3. For a new group, add a line to the table in install.go.
//  4. Run make generate: deep copies, defaulting and OpenAPI are written next to the
//     types and into package openapi.
//  5. Describe what is stored in pkg/apiserver/nativekinds, as kinds_scheduling.go
//     does: names, scope, columns, rules.
//  6. Grant Atoll's own roles what they need of it in pkg/apiserver/roles.go.
//
// Kinds are served, stored as JSON and known to every client from then on; a kind is
// its own internal type until it has a second version.
package apis

//go:generate ./generate.sh
