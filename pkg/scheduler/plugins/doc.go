// Package plugins lists the plugins that come with the scheduler, each in a package
// of its own beneath this one, and makes those that a configuration chooses, of
// these and of others that a program registered. One table holds the in-tree
// plugins with their weights. Its order is that in which filters are asked: a
// cluster that several would refuse is reported with the reason of the first.
package plugins
