package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"atoll.dev/atoll/e2e/testbed"
)

// stopGrace is what a process gets between SIGTERM and SIGKILL.
const stopGrace = 5 * time.Second

func newCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "member",
		Short: "Member clusters on this machine: real control planes with nodes played by KWOK",
		Long: "Starts and stops member clusters on this machine: real control planes with nodes played by KWOK.\n" +
			"It is also each part of them: member " + strings.ReplaceAll(partNames(), ", ", "|") + " …",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	command.AddCommand(newUp(), newDown(), newList())
	return command
}

func addDir(command *cobra.Command, dir *string) {
	command.Flags().StringVar(dir, "dir", ".members", "directory of the members' data, logs, pid files and kubeconfigs")
}

func newUp() *cobra.Command {
	o := testbed.Options{Detached: true, Progress: os.Stderr}
	command := &cobra.Command{
		Use:   "up",
		Short: "Start members, or what is missing of them, and leave DIR/memberN.kubeconfig",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.Members < 1 || o.Nodes < 1 {
				return fmt.Errorf("--count %d --nodes %d: both must be at least 1", o.Members, o.Nodes)
			}
			ctx, cancel := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer cancel()
			var err error
			if o.Binary, err = os.Executable(); err != nil {
				return err
			}
			_, err = testbed.Start(ctx, o)
			return err
		},
	}
	addDir(command, &o.Dir)
	command.Flags().IntVar(&o.Members, "count", 1, "how many members; those there already are kept, also when they are more")
	command.Flags().IntVar(&o.Nodes, "nodes", 1, "nodes per new member")
	command.Flags().BoolVar(&o.Audit, "audit", false, "new members record the metadata of writes in DIR/NAME/audit.log")
	return command
}

func newDown() *cobra.Command {
	var dir string
	var keep bool
	command := &cobra.Command{
		Use:   "down",
		Short: "Stop the members of DIR, exactly those, and remove their files",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			bed, err := open(dir)
			if errors.Is(err, fs.ErrNotExist) {
				fmt.Fprintf(os.Stderr, "no members below %s\n", dir)
				return nil
			}
			if err != nil {
				return err
			}
			if err := bed.Down(stopGrace, keep); err != nil {
				return err
			}
			fmt.Fprintf(os.Stderr, "stopped %d members below %s\n", len(bed.Members), dir)
			return nil
		},
	}
	addDir(command, &dir)
	command.Flags().BoolVar(&keep, "keep", false, "keep the data: the next up goes on with the same clusters")
	return command
}

func newList() *cobra.Command {
	var dir string
	command := &cobra.Command{
		Use:   "list",
		Short: "List the members of DIR and their processes",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			bed, err := open(dir)
			if err != nil {
				return err
			}
			out := tabwriter.NewWriter(os.Stdout, 0, 8, 2, ' ', 0)
			fmt.Fprintln(out, "MEMBER\tSERVER\tAPISERVER\tCONTROLLERS\tSCHEDULER\tKWOK\tKUBECONFIG")
			for _, m := range bed.Members {
				fmt.Fprintln(out, strings.Join([]string{m.Name, m.RestConfig.Host,
					pid(m.APIServer), pid(m.ControllerManager), pid(m.Scheduler), pid(m.KWOK), m.Kubeconfig}, "\t"))
			}
			fmt.Fprintf(out, "(etcd)\t%s\t%s\n", bed.Etcd.Endpoint, pid(bed.Etcd.Process))
			return out.Flush()
		},
	}
	addDir(command, &dir)
	return command
}

func open(dir string) (*testbed.Bed, error) {
	binary, err := os.Executable()
	if err != nil {
		return nil, err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	return testbed.Open(testbed.Options{Dir: dir, Binary: binary})
}

func pid(p *testbed.Process) string {
	if pid := p.PID(); pid != 0 {
		return "pid " + strconv.Itoa(pid)
	}
	return "stopped"
}
