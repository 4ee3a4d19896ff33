// Command build builds the programs of the test bed that are named as its
// arguments into bin/ of the repository: all of them when none is named.
package main

import (
	"context"
	"fmt"
	"os"

	"atoll.dev/atoll/e2e/testbed"
)

func main() {
	names := os.Args[1:]
	if len(names) == 0 {
		names = testbed.Targets()
	}
	for _, name := range names {
		fmt.Fprintf(os.Stderr, "building bin/%s\n", name)
		if err := testbed.Build(context.Background(), os.Stderr, name); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}
