// Package realclusters gives the tests of membership real clusters: it runs the
// member binary of the test bed, and makes one of the clusters stand in for a
// control plane by adding the kinds that membership's controllers use and the
// identity that an Atoll API server would write. Tests own what they start and
// stop it; nothing outside tests imports this package.
package realclusters
