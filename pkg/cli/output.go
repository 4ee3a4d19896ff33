package cli

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// outputFlag is -o of commands that print either text for people or JSON for programs.
type outputFlag string

func (o *outputFlag) add(cmd *cobra.Command) {
	cmd.Flags().StringVarP((*string)(o), "output", "o", "", "Output format: json, or empty for text.")
	completeFlag(cmd, "output", oneOf("json"))
}

func (o outputFlag) validate() error {
	if o != "" && o != "json" {
		return usageError{fmt.Errorf("output format %q is unknown; use json, or leave -o away for text", string(o))}
	}
	return nil
}

// printJSON writes a value, indented.
func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
