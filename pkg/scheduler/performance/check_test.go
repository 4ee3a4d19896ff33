package performance

import (
	"os"
	"strings"
	"testing"
)

const sampleRanges = `
machine: test
ruler: BenchmarkRuler
unit: ns/op
bounds:
- {benchmark: BenchmarkA/x-y, metric: ns/op, max: 100, maxRulers: 2, measured: "50"}
- {benchmark: BenchmarkE, metric: decisions/s, min: 500, instead: units/decision, measured: "900"}
- {benchmark: BenchmarkE, metric: units/decision, max: 10, measured: "8"}
`

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name, output string
		broken       int
	}{
		{"all hold", "BenchmarkRuler-2 5 10 ns/op\nBenchmarkA/x-y-2 100 90 ns/op 5 B/op\nBenchmarkE 1 7 ns/op 600 decisions/s 8 units/decision\n", 0},
		{"a slower machine", "BenchmarkRuler-2 5 100 ns/op\nBenchmarkA/x-y-2 100 190 ns/op\nBenchmarkE 1 7 ns/op 400 decisions/s 8 units/decision\n", 0},
		{"slower code", "BenchmarkRuler-2 5 10 ns/op\nBenchmarkA/x-y-2 100 190 ns/op\nBenchmarkE 1 7 ns/op 400 decisions/s 12 units/decision\n", 3},
		{"nothing measured", "PASS\n", 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			ranges, err := ParseRanges([]byte(sampleRanges))
			if err != nil {
				t.Fatal(err)
			}
			figures, err := ParseFigures(strings.NewReader(c.output))
			if err != nil {
				t.Fatal(err)
			}
			var report strings.Builder
			if got := ranges.Check(figures, &report); got != c.broken {
				t.Errorf("%d broken, want %d:\n%s", got, c.broken, report.String())
			}
		})
	}
}

func TestRangesAreWellFormed(t *testing.T) {
	raw, err := os.ReadFile("ranges.yaml")
	if err != nil {
		t.Fatal(err)
	}
	ranges, err := ParseRanges(raw)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range ranges.Bound {
		if b.Measured == "" {
			t.Errorf("%s %s does not cite what was measured", b.Benchmark, b.Metric)
		}
	}
	for _, bad := range []string{"bounds: [{benchmark: BenchmarkA, metric: ns/op}]", "bound: []"} {
		if _, err := ParseRanges([]byte(bad)); err == nil {
			t.Errorf("taken: %s", bad)
		}
	}
}
