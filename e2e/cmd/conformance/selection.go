package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// selector is a line of the list of files: which specs are to pass.
type selector struct {
	line string // as written, for messages
	file string // base name, with _test.go
	text *regexp.Regexp
	not  bool // what it selects is left out
}

// parseSelectors reads lines of the form FILE or FILE: REGEXP, with a ! before
// those that leave specs out; # starts a comment.
func parseSelectors(r io.Reader) ([]selector, error) {
	var selectors []selector
	scanner := bufio.NewScanner(r)
	for number := 1; scanner.Scan(); number++ {
		line := strings.TrimSpace(scanner.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		s, err := parseSelector(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		selectors = append(selectors, s)
	}
	return selectors, scanner.Err()
}

var fileName = regexp.MustCompile(`^[a-z0-9_]+$`)

func parseSelector(line string) (selector, error) {
	rest, not := strings.CutPrefix(line, "!")
	file, pattern, _ := strings.Cut(rest, ":")
	file = strings.TrimSpace(file)
	if !fileName.MatchString(file) {
		return selector{}, fmt.Errorf("%q: want maybe a !, the name of a test file without _test.go, then maybe a colon and a regular expression", line)
	}
	text, err := regexp.Compile(strings.TrimSpace(pattern))
	if err != nil {
		return selector{}, fmt.Errorf("%q: %w", line, err)
	}
	return selector{line: line, file: file + "_test.go", text: text, not: not}, nil
}

// spec is the part of Ginkgo's JSON report on a spec that is of use here.
type spec struct {
	ContainerHierarchyTexts  []string
	ContainerHierarchyLabels [][]string
	LeafNodeType             string
	LeafNodeLocation         struct {
		FileName   string
		LineNumber int
	}
	LeafNodeLabels []string
	LeafNodeText   string
	State          string
	RunTime        int64 // nanoseconds
	Failure        struct {
		Message  string
		Location struct {
			FileName   string
			LineNumber int
		}
	}
}

func (s *spec) text() string {
	return strings.Join(append(slices.Clone(s.ContainerHierarchyTexts), s.LeafNodeText), " ")
}

func (s *spec) file() string { return filepath.Base(s.LeafNodeLocation.FileName) }

// focus is Ginkgo's name for exactly this spec.
func (s *spec) focus() string { return fmt.Sprintf("%s:%d", s.file(), s.LeafNodeLocation.LineNumber) }

// excluded tells whether the spec carries the label of those that make clusters
// by themselves, which takes a container engine.
func (s *spec) excluded() bool {
	const label = "needCreateCluster"
	return slices.Contains(s.LeafNodeLabels, label) ||
		slices.ContainsFunc(s.ContainerHierarchyLabels, func(labels []string) bool { return slices.Contains(labels, label) })
}

// readReport returns the specs of a JSON report, without the suite's own nodes
// unless these failed.
func readReport(path string) ([]spec, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var reports []struct{ SpecReports []spec }
	if err := json.NewDecoder(bytes.NewReader(data)).Decode(&reports); err != nil {
		return nil, fmt.Errorf("reading Ginkgo's report %s: %w", path, err)
	}
	var specs []spec
	for _, report := range reports {
		for _, s := range report.SpecReports {
			if s.LeafNodeType == "It" || s.failed() {
				specs = append(specs, s)
			}
		}
	}
	return specs, nil
}

func (s *spec) failed() bool {
	return !slices.Contains([]string{"", "passed", "skipped", "pending"}, s.State)
}

// choose returns the specs that the selectors name, each once, in the order of
// the suite.
func choose(all []spec, selectors []selector) ([]spec, error) {
	var chosen []spec
	used := make([]bool, len(selectors))
	for _, s := range all {
		if s.excluded() {
			continue
		}
		wanted, unwanted := false, false
		for i, selector := range selectors {
			if s.file() == selector.file && selector.text.MatchString(s.text()) {
				used[i] = true
				wanted, unwanted = wanted || !selector.not, unwanted || selector.not
			}
		}
		if wanted && !unwanted {
			chosen = append(chosen, s)
		}
	}
	var errs []error
	for i, selector := range selectors {
		if !used[i] {
			errs = append(errs, fmt.Errorf("%q names no spec of the suite", selector.line))
		}
	}
	return chosen, errors.Join(errs...)
}
