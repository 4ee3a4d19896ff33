// Package openapi is generated: it describes the types of Atoll's own API groups,
// from their Go comments and tags, for discovery, kubectl explain and server-side
// apply. See the parent package for how it comes about.
package openapi
