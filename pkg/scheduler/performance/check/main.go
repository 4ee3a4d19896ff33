// Command check compares the output of benchmarks, on standard input, with the range
// file that it is given, and fails if a bound does not hold.
package main

import (
	"fmt"
	"os"

	"atoll.dev/atoll/pkg/scheduler/performance"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "check:", err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) != 2 {
		return fmt.Errorf("usage: check RANGES.yaml < OUTPUT")
	}
	raw, err := os.ReadFile(os.Args[1])
	if err != nil {
		return fmt.Errorf("reading the ranges: %w", err)
	}
	ranges, err := performance.ParseRanges(raw)
	if err != nil {
		return err
	}
	figures, err := performance.ParseFigures(os.Stdin)
	if err != nil {
		return fmt.Errorf("reading the figures: %w", err)
	}
	if broken := ranges.Check(figures, os.Stdout); broken > 0 {
		return fmt.Errorf("%d of %d bounds do not hold; measured on: %s", broken, len(ranges.Bound), ranges.Machine)
	}
	return nil
}
