// Package conformance pins Karmada's own end-to-end suite and its karmadactl as
// module dependencies: they are built from there, unchanged, and run against
// Atoll by the command e2e/cmd/conformance. The file "files" lists the specs
// that must pass. A module of its own keeps the suite's many dependencies out
// of the test bed's.
package conformance

import (
	// The suite's tests, built with go test -c, need what these import.
	_ "github.com/karmada-io/karmada/pkg/karmadactl"
	_ "github.com/karmada-io/karmada/test/e2e/suites/base"
	_ "sigs.k8s.io/mcs-api/pkg/apis/v1alpha1"
)
