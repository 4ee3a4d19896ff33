// Package atolld is the command of Atoll's server as a library, for programs that
// are atolld with something of their own compiled in: Main is all of it, each
// Option one addition. Configuration flows one way: flags and file make a
// serverconfig.ServerConfiguration, which is checked against what is compiled in
// and handed, unchanged from then on, to the roles that the command runs.
package atolld
