package cli

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"
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

// structuredFlag is -o of commands that print either text for people, or JSON or YAML for programs.
type structuredFlag string

func (o *structuredFlag) add(cmd *cobra.Command) {
	cmd.Flags().StringVarP((*string)(o), "output", "o", "", "Output format: json, yaml, or empty for text.")
	completeFlag(cmd, "output", oneOf("json", "yaml"))
}

func (o structuredFlag) validate() error {
	switch o {
	case "", "json", "yaml":
		return nil
	}
	return usageError{fmt.Errorf("output format %q is unknown; use json or yaml, or leave -o away for text", string(o))}
}

// print writes a value as JSON or YAML, or by text if neither is asked for.
func (o structuredFlag) print(w io.Writer, v any, text func() error) error {
	switch o {
	case "json":
		return printJSON(w, v)
	case "yaml":
		raw, err := yaml.Marshal(v)
		if err != nil {
			return err
		}
		_, err = w.Write(raw)
		return err
	}
	return text()
}

// printJSON writes a value, indented.
func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
