// Package serverconfig is the configuration of atolld: a versioned YAML file
// (apiVersion config.atoll.dev/v1alpha1, kind ServerConfiguration) and the few
// flags that most users need. It flows one way: defaults, then the file, then the
// flags that were given, then validation; whoever gets a configuration from here
// gets a valid one and changes it no more. Nothing is read from the environment.
package serverconfig
