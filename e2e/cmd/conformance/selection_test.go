package main

import (
	"slices"
	"strings"
	"testing"
)

func TestParseSelectors(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       []string // file and pattern
		err        string
	}{
		{name: "whole file", text: "namespace", want: []string{"namespace_test.go "}},
		{name: "part of a file", text: `resource: \[x\] Service: NodePort`, want: []string{`resource_test.go \[x\] Service: NodePort`}},
		{name: "comments and blank lines", text: "# a: b\n\n  # c\nmcs\n", want: []string{"mcs_test.go "}},
		{name: "no file", text: "\n: Service", err: "line 2"},
		{name: "file name with its ending", text: "mcs_test.go", err: "without _test.go"},
		{name: "bad expression", text: "mcs: (", err: "missing closing )"},
	} {
		t.Run(test.name, func(t *testing.T) {
			selectors, err := parseSelectors(strings.NewReader(test.text))
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Fatalf("error %v, want one with %q", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, s := range selectors {
				got = append(got, s.file+" "+s.text.String())
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestChoose(t *testing.T) {
	suite := []spec{
		newSpec("/x/resource_test.go", 10, "Service status", "is collected"),
		newSpec("/x/resource_test.go", 20, "Job status", "is collected"),
		newSpec("/x/namespace_test.go", 30, "namespaces", "follow"),
		newSpec("/x/namespace_test.go", 40, "namespaces", "reach new clusters"),
	}
	suite[3].ContainerHierarchyLabels = [][]string{{"needCreateCluster"}}
	for _, test := range []struct {
		name, lines string
		want        []string
		err         string
	}{
		{name: "a file without what makes clusters", lines: "namespace", want: []string{"namespace_test.go:30"}},
		{name: "text over containers", lines: "resource: ^Service status is", want: []string{"resource_test.go:10"}},
		{name: "named twice, in the suite's order", lines: "namespace\nresource: Job\nresource", want: []string{"resource_test.go:10", "resource_test.go:20", "namespace_test.go:30"}},
		{name: "left out, whatever the order", lines: "!resource: Job\nresource", want: []string{"resource_test.go:10"}},
		{name: "a line that leaves out nothing", lines: "resource\n!resource: Pod", err: `"!resource: Pod"`},
		{name: "a line that names nothing", lines: "namespace\nresource: Pod", err: `"resource: Pod"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			selectors, err := parseSelectors(strings.NewReader(test.lines))
			if err != nil {
				t.Fatal(err)
			}
			chosen, err := choose(suite, selectors)
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Fatalf("error %v, want one with %q", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, s := range chosen {
				got = append(got, s.focus())
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestSummarize(t *testing.T) {
	two := []spec{newSpec("a_test.go", 1, "one"), newSpec("a_test.go", 2, "two")}
	for _, test := range []struct {
		name   string
		states []string
		err    string
	}{
		{"all pass", []string{"passed", "passed"}, ""},
		{"one fails", []string{"passed", "failed"}, "1 specs"},
		{"one panics", []string{"panicked", "passed"}, "1 specs"},
		{"the run was cut short", []string{"passed"}, "1 of 2 chosen specs did not run"},
		{"pending is not passed", []string{"passed", "pending"}, "1 of 2 chosen specs did not run"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var ran []spec
			for i, state := range test.states {
				s := two[i]
				s.State = state
				ran = append(ran, s)
			}
			err := summarize(t.Output(), two, ran)
			if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Errorf("error %v, want %q", err, test.err)
			}
		})
	}
}

func newSpec(file string, line int, text ...string) spec {
	s := spec{LeafNodeType: "It", ContainerHierarchyTexts: text[:len(text)-1], LeafNodeText: text[len(text)-1]}
	s.LeafNodeLocation.FileName, s.LeafNodeLocation.LineNumber = file, line
	return s
}
