// Command member is every part of a member cluster in one binary, and the
// command that starts and stops whole members.
//
//	member up --count 3 --dir .members     start members, leave kubeconfigs
//	member list --dir .members             what runs
//	member down --dir .members             stop exactly those
//	member etcd|kube-apiserver|kube-controller-manager|kube-scheduler|kwok|kubectl …
//
// The parts are the unchanged commands of the Go modules of etcd, Kubernetes
// and KWOK. Each runs as a process of its own: they install signal handlers and
// metrics once a process, and a test must be able to kill one of them alone.
package main

import (
	"fmt"
	"os"
	"sort"
	"strings"
)

// parts maps a sub-command to the main function of a component. It is called
// with os.Args set as the component's own binary would find it.
var parts = map[string]func(){
	"etcd":                    etcd,
	"kube-apiserver":          kubeAPIServer,
	"kube-controller-manager": kubeControllerManager,
	"kube-scheduler":          kubeScheduler,
	"kubectl":                 kubectl,
	"kwok":                    kwok,
}

func main() {
	if len(os.Args) > 1 {
		if run, ok := parts[os.Args[1]]; ok {
			os.Args = os.Args[1:]
			run()
			return
		}
	}
	ownFlags()
	if err := newCommand().Execute(); err != nil {
		fmt.Fprintln(os.Stderr, "member:", err)
		os.Exit(1)
	}
}

func partNames() string {
	names := make([]string, 0, len(parts))
	for name := range parts {
		names = append(names, name)
	}
	sort.Strings(names)
	return strings.Join(names, ", ")
}
