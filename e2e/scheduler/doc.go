// Package scheduler tests from outside what users ask of the scheduler: `atoll why`
// and `atoll simulate`, with the built server, its roles apart and together, and real
// members. One fleet is shared by the package: a server and two members joined to it.
// It needs bin/atolld and bin/atoll.
package scheduler
