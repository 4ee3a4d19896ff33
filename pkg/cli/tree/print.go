package tree

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/xlab/treeprint"
	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/cli-runtime/pkg/printers"
)

// Print writes the tree as a table: the tree in the first column, then what each node is like.
func Print(w io.Writer, root *Node, now time.Time) error {
	branch := treeprint.NewWithRoot(root.title())
	rows := []*Node{root}
	grow(branch, root, &rows)
	lines := strings.Split(strings.TrimRight(branch.String(), "\n"), "\n")

	out := printers.GetNewTabWriter(w)
	fmt.Fprintln(out, "NAME\tREADY\tREASON\tSINCE\tMESSAGE")
	for i, n := range rows {
		since := ""
		if n.Since != nil {
			since = duration.HumanDuration(now.Sub(n.Since.Time))
		}
		message, _, _ := strings.Cut(n.Message, "\n")
		fmt.Fprintln(out, strings.TrimRight(strings.Join([]string{lines[i], string(n.Ready), n.Reason, since, message}, "\t"), "\t"))
	}
	return out.Flush()
}

// grow adds a node's children and notes them in the order in which treeprint prints them, one line each.
func grow(branch treeprint.Tree, n *Node, rows *[]*Node) {
	for _, c := range n.Children {
		*rows = append(*rows, c)
		grow(branch.AddBranch(strings.ReplaceAll(c.title(), "\n", " ")), c, rows)
	}
}
