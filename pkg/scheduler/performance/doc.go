// Package performance holds the bounds of the scheduler's speed. Benchmarks print
// figures in Go's format, those of this package (tag bench) end to end through the
// real API server, those of package cycle for the algorithm alone; command check
// reads them and compares with ranges.yaml, which says from which runs each bound comes.
package performance
