package cli

import "github.com/spf13/cobra"

func newStatus(e *env) *cobra.Command {
	return &cobra.Command{Use: "status", Run: func(*cobra.Command, []string) {}}
}
