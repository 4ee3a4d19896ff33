// Command atolld is Atoll's server: all roles in one process, or one role a process.
package main

import (
	"os"

	"atoll.dev/atoll/pkg/atolld"
)

func main() { os.Exit(atolld.Main()) }
