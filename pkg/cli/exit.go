package cli

import (
	"context"
	"errors"
	"fmt"

	"atoll.dev/atoll/pkg/cli/placement"
	"atoll.dev/atoll/pkg/membership/join"
)

// Exit codes of atoll's own commands. Those taken over from kubectl (get, apply) exit with 1 on any failure.
const (
	ExitOK            = 0
	ExitFailure       = 1
	ExitUsage         = 2
	ExitBadKubeconfig = 3
	ExitUnreachable   = 4
	ExitDenied        = 5
	ExitTaken         = 6
	ExitTimeout       = 7
	ExitNotPlaced     = 8
	ExitInterrupted   = 130
)

const exitCodes = `Exit codes:
  0  done
  1  failed for another reason than those below
  2  a flag, an argument or a name is not acceptable
  3  a kubeconfig is missing, malformed or lacks the context
  4  a cluster cannot be reached, or its certificate not be verified
  5  a credential is refused or lacks a permission
  6  the name, the cluster or its ownership is taken
  7  not finished in time; it goes on, and the same command may be run again
  8  a workload cannot be placed (why, simulate)`

// notPlacedError says that what was asked about cannot be placed. The answer has been printed.
type notPlacedError struct{ count, of int }

func (e *notPlacedError) Error() string {
	if e.of == 1 {
		return "it cannot be placed"
	}
	return fmt.Sprintf("%d of %d workloads cannot be placed", e.count, e.of)
}

// usageError is a mistake on the command line.
type usageError struct{ error }

// ExitCode returns the exit code for what a command returned.
func ExitCode(err error) int {
	switch {
	case err == nil:
		return ExitOK
	case errors.As(err, &usageError{}):
		return ExitUsage
	case errors.Is(err, context.Canceled):
		return ExitInterrupted
	case errors.As(err, new(*placement.NoAnswerError)):
		return ExitTimeout
	case errors.As(err, new(*notPlacedError)):
		return ExitNotPlaced
	}
	switch join.KindOf(err) {
	case join.Usage:
		return ExitUsage
	case join.BadKubeconfig:
		return ExitBadKubeconfig
	case join.Unreachable:
		return ExitUnreachable
	case join.Denied:
		return ExitDenied
	case join.Taken:
		return ExitTaken
	case join.TimedOut:
		return ExitTimeout
	}
	return ExitFailure
}
