// Command atoll is the user's command line of Atoll, also usable as "kubectl atoll".
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"atoll.dev/atoll/pkg/cli"
	"atoll.dev/atoll/pkg/version"
)

func main() {
	// Clients of Kubernetes log failures that they also return; one telling is enough for people.
	utilruntime.ErrorHandlers = nil
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	cmd := cli.NewCommand(cli.Options{
		Streams: genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr},
		Plugin:  strings.HasPrefix(filepath.Base(os.Args[0]), cli.PluginBinary),
		Version: version.Get(),
	})
	err := cmd.ExecuteContext(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "error: "+err.Error())
	}
	os.Exit(cli.ExitCode(err))
}
