package atolld

import (
	"os"
	"runtime/debug"
)

// gcPercent trades a little processor time for memory: a control plane holds much
// that lives long and makes little that does not.
const gcPercent = 50

// tuneMemory sets the garbage collector's pace, unless the environment has set it.
func tuneMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}

// returnMemory gives back to the operating system what only the start needed.
func returnMemory() { debug.FreeOSMemory() }
