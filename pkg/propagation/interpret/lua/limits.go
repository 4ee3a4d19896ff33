package lua

import (
	"errors"
	"fmt"
	"runtime"
	"time"
)

// Limits of one call of a script.
type Limits struct {
	// Time that a call may take once it runs. Default DefaultTime.
	Time time.Duration
	// Memory that a call may allocate in all, in bytes, whether it keeps it or not. What it is
	// given does not count, what it returns does. Default DefaultMemory.
	Memory int64
	// Concurrent is how many calls run at a time; others wait. Together with Memory it bounds
	// what scripts can take of the process. Default: the number of processors, at least 2.
	Concurrent int
}

// Defaults of Limits.
const (
	DefaultTime   = time.Second
	DefaultMemory = 64 << 20
)

func (l Limits) withDefaults() Limits {
	if l.Time == 0 {
		l.Time = DefaultTime
	}
	if l.Memory == 0 {
		l.Memory = DefaultMemory
	}
	if l.Concurrent == 0 {
		l.Concurrent = max(2, runtime.GOMAXPROCS(0))
	}
	return l
}

// Sizes of a VM.
const (
	callDepth     = 200     // Lua calls within each other
	registers     = 1 << 10 // to begin with
	maxRegisters  = 1 << 16 // 16 bytes each
	maxNesting    = 100     // of values that a script returns
	maxErrorBytes = 1 << 10 // of a message that a script raises
)

// ErrLimit is wrapped by errors of scripts that used up their time or memory.
var ErrLimit = errors.New("limit exceeded")

func timeExceeded(l Limits) error {
	return fmt.Errorf("has not finished within %s: %w", l.Time, ErrLimit)
}

func memoryExceeded(l Limits) error {
	return fmt.Errorf("has allocated more than %d MiB: %w", l.Memory>>20, ErrLimit)
}
