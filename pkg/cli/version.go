package cli

import (
	"fmt"

	"github.com/spf13/cobra"
	apimachineryversion "k8s.io/apimachinery/pkg/version"

	"atoll.dev/atoll/pkg/membership/join"
	"atoll.dev/atoll/pkg/version"
)

// versions is what version prints.
type versions struct {
	Client version.Info `json:"client"`
	// Server is nil with --client.
	Server *apimachineryversion.Info `json:"server,omitempty"`
}

func newVersion(e *env) *cobra.Command {
	var output outputFlag
	clientOnly := false
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Print the versions of client and server",
		Example: fmt.Sprintf("  %[1]s version\n  %[1]s version --client -o json", e.name),
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := output.validate(); err != nil {
				return err
			}
			v := versions{Client: e.version}
			var serverErr error
			if !clientOnly {
				v.Server, serverErr = e.serverVersion()
			}
			if output == "json" {
				if err := printJSON(e.Out, v); err != nil {
					return err
				}
				return serverErr
			}
			fmt.Fprintf(e.Out, "Client: %s\n", v.Client)
			if v.Server != nil {
				fmt.Fprintf(e.Out, "Server: %s (commit %s, %s, %s)\n", v.Server.GitVersion, v.Server.GitCommit, v.Server.GoVersion, v.Server.Platform)
			}
			return serverErr
		},
	}
	cmd.Flags().BoolVar(&clientOnly, "client", false, "Print the client's version only; ask no server.")
	output.add(cmd)
	return cmd
}

func (e *env) serverVersion() (*apimachineryversion.Info, error) {
	config, err := e.planeConfig()
	if err != nil {
		return nil, err
	}
	d, err := e.flags.ToDiscoveryClient()
	if err != nil {
		return nil, badPlaneConfig(err)
	}
	v, err := d.ServerVersion()
	if err != nil {
		return nil, join.ExplainPlane(err, config.Host, "asking for its version")
	}
	return v, nil
}
