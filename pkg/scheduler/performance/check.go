package performance

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"
)

// Ranges are the bounds, and where they come from.
type Ranges struct {
	// Machine on which Measured figures were taken, and what else matters of the runs.
	Machine string `json:"machine"`
	// Ruler is the benchmark that says how fast the machine is, and Unit its metric.
	Ruler string  `json:"ruler"`
	Unit  string  `json:"unit"`
	Bound []Bound `json:"bounds"`
}

// Bound is what one metric of one benchmark may be.
type Bound struct {
	// Benchmark is its name without the number of processors.
	Benchmark string `json:"benchmark"`
	// Metric is its unit, as Go prints it: ns/op, decisions/s…
	Metric string `json:"metric"`
	// Min and Max limit the figure.
	Min *float64 `json:"min,omitempty"`
	Max *float64 `json:"max,omitempty"`
	// MaxRulers limits the figure divided by the ruler's. It is what counts where the
	// machine is slower than the one of Max: a bound fails if it fails by both.
	MaxRulers *float64 `json:"maxRulers,omitempty"`
	// Instead names another metric of the same benchmark, with a bound of its own, that
	// does not depend on the machine: if that one holds, this one is only reported.
	Instead string `json:"instead,omitempty"`
	// Measured is the figure of the runs from which the bound comes, for the reader.
	Measured string `json:"measured"`
}

// Figures are metrics by benchmark and unit.
type Figures map[string]map[string]float64

// ParseRanges reads a range file; a field that it does not know is an error.
func ParseRanges(raw []byte) (*Ranges, error) {
	r := &Ranges{}
	if err := yaml.UnmarshalStrict(raw, r); err != nil {
		return nil, fmt.Errorf("reading the ranges: %w", err)
	}
	for i, b := range r.Bound {
		if b.Min == nil && b.Max == nil && b.MaxRulers == nil {
			return nil, fmt.Errorf("bounds[%d] (%s %s): min, max or maxRulers must be set", i, b.Benchmark, b.Metric)
		}
	}
	return r, nil
}

// ParseFigures reads the output of Go benchmarks. Of a benchmark that ran several
// times the last counts.
func ParseFigures(output io.Reader) (Figures, error) {
	figures := Figures{}
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) < 4 || !strings.HasPrefix(words[0], "Benchmark") {
			continue
		}
		name := words[0]
		if i := strings.LastIndexByte(name, '-'); i > 0 {
			if _, err := strconv.Atoi(name[i+1:]); err == nil {
				name = name[:i]
			}
		}
		metrics := map[string]float64{}
		for i := 2; i+1 < len(words); i += 2 {
			value, err := strconv.ParseFloat(words[i], 64)
			if err != nil {
				return nil, fmt.Errorf("benchmark %s: %q is no figure: %w", name, words[i], err)
			}
			metrics[words[i+1]] = value
		}
		figures[name] = metrics
	}
	return figures, lines.Err()
}

// Check compares figures with the bounds. It writes a line for each bound, and
// returns how many do not hold. A figure that is missing does not hold.
func (r *Ranges) Check(figures Figures, report io.Writer) (broken int) {
	ruler := figures[r.Ruler][r.Unit]
	for i := range r.Bound {
		b := &r.Bound[i]
		verdict := "ok"
		switch holds, found := b.holds(figures, ruler); {
		case !found:
			verdict, broken = "MISSING", broken+1
		case holds:
		case b.Instead != "" && r.insteadHolds(b, figures, ruler):
			verdict = "slow machine: " + b.Instead + " holds"
		default:
			verdict, broken = "BROKEN", broken+1
		}
		fmt.Fprintf(report, "%-45s %12.4g %-16s %-28s %s\n", b.Benchmark, figures[b.Benchmark][b.Metric], b.Metric, b.limits(), verdict)
	}
	return broken
}

func (r *Ranges) insteadHolds(b *Bound, figures Figures, ruler float64) bool {
	for i := range r.Bound {
		if other := &r.Bound[i]; other.Benchmark == b.Benchmark && other.Metric == b.Instead {
			holds, _ := other.holds(figures, ruler)
			return holds
		}
	}
	return false
}

func (b *Bound) holds(figures Figures, ruler float64) (holds, found bool) {
	value, found := figures[b.Benchmark][b.Metric]
	if !found {
		return false, false
	}
	if b.Min != nil && value < *b.Min {
		return false, true
	}
	if b.MaxRulers != nil && ruler > 0 && value/ruler <= *b.MaxRulers {
		return true, true
	}
	return b.Max != nil && value <= *b.Max || b.Max == nil && b.MaxRulers == nil, true
}

func (b *Bound) limits() string {
	var parts []string
	if b.Min != nil {
		parts = append(parts, fmt.Sprintf("≥ %g", *b.Min))
	}
	if b.Max != nil {
		parts = append(parts, fmt.Sprintf("≤ %g", *b.Max))
	}
	if b.MaxRulers != nil {
		parts = append(parts, fmt.Sprintf("≤ %g rulers", *b.MaxRulers))
	}
	return strings.Join(parts, " or ")
}
