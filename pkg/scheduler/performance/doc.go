// Package performance holds the bounds of the scheduler's speed. Benchmarks print
// figures in Go's format: those of this package (tag bench) end to end through the
// real API server, those of packages cycle and scheduler for the algorithm and for
// waking alone, and BenchmarkRuler how fast the machine is at that moment. Command
// check reads them all and compares them with ranges.yaml, where each bound cites
// what was measured when it was set.
package performance
