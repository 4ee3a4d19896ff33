// Command conformance runs Karmada's own end-to-end suite, unchanged, against
// Atoll: it builds the suite and karmadactl, starts the built server and
// members, joins these, runs the specs that e2e/conformance/files names (or
// those of its arguments, in the same form) and exits non-zero when one fails.
// Reports and logs are left in .cache/conformance.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"atoll.dev/atoll/e2e/testbed"
)

type options struct {
	list        bool
	keep        bool
	members     int
	pollTimeout time.Duration
	lines       []string
}

func main() {
	o := options{}
	flag.BoolVar(&o.list, "list", false, "list the chosen specs and run nothing")
	flag.BoolVar(&o.keep, "keep", false, "when done, keep Atoll and the members running until interrupted")
	flag.IntVar(&o.members, "members", 3, "how many members to join")
	flag.DurationVar(&o.pollTimeout, "poll-timeout", 90*time.Second, "how long specs wait for a condition; some of the suite's helpers wait 420s whatever is said here")
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "Usage: conformance [flags] ['FILE: REGEXP' ...]")
		flag.PrintDefaults()
	}
	flag.Parse()
	o.lines = flag.Args()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) (err error) {
	root, err := testbed.Root()
	if err != nil {
		return err
	}
	selectors, err := readSelectors(filepath.Join(root, "e2e", "conformance", "files"), o.lines)
	if err != nil {
		return err
	}
	progress := os.Stderr
	fmt.Fprintln(progress, "building the suite, karmadactl and the members' binary")
	if err := testbed.Build(ctx, progress, "member", "karmadactl", "karmada-e2e"); err != nil {
		return err
	}
	work := filepath.Join(root, ".cache", "conformance")
	if err := os.MkdirAll(work, 0o755); err != nil {
		return err
	}
	suite, err := newSuite(ctx, work)
	if err != nil {
		return err
	}
	all, err := suite.specs(ctx)
	if err != nil {
		return err
	}
	chosen, err := choose(all, selectors)
	if err != nil {
		return err
	}
	if o.list {
		for _, s := range chosen {
			fmt.Printf("%s  %s\n", s.focus(), s.text())
		}
		fmt.Printf("%d of %d specs\n", len(chosen), len(all))
		return nil
	}
	return runSpecs(ctx, o, suite, chosen, progress)
}

// runSpecs runs the chosen specs against a control plane of their own.
func runSpecs(ctx context.Context, o options, suite *suite, chosen []spec, progress io.Writer) (err error) {
	state := filepath.Join(suite.work, "state")
	if err := os.RemoveAll(state); err != nil { // what the last run left for inspection
		return err
	}
	if err := os.MkdirAll(state, 0o700); err != nil {
		return err
	}
	plane, err := startPlane(ctx, state, o.members, progress)
	if err != nil {
		return err
	}
	defer func() {
		if stopErr := plane.stop(); err == nil {
			err = stopErr
		}
	}()
	log, err := os.Create(filepath.Join(suite.work, "suite.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	fmt.Fprintf(progress, "running %d specs, output also in %s\n", len(chosen), log.Name())
	ran, err := suite.run(ctx, chosen, plane.kubeconfig, o.pollTimeout, io.MultiWriter(log, progress))
	if err != nil {
		return err
	}
	err = summarize(os.Stdout, chosen, ran)
	if o.keep && ctx.Err() == nil {
		fmt.Fprintf(progress, "still running, interrupt to stop: KUBECONFIG=%s\n", plane.kubeconfig)
		<-ctx.Done()
	}
	return err
}

// readSelectors takes the lines given, or those of the file when there are none.
func readSelectors(path string, lines []string) ([]selector, error) {
	if len(lines) > 0 {
		return parseSelectors(strings.NewReader(strings.Join(lines, "\n")))
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	selectors, err := parseSelectors(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return selectors, nil
}
