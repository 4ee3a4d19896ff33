package join

import (
	"context"
	"time"
)

// undoTimeout bounds taking back a failed run, which happens even if the caller's context is done.
const undoTimeout = 15 * time.Second

// undoer remembers how to take back what a run made, and does so in reverse order.
type undoer struct {
	steps []undoStep
}

type undoStep struct {
	what string
	undo func(context.Context) error
}

func (u *undoer) add(what string, undo func(context.Context) error) {
	u.steps = append(u.steps, undoStep{what, undo})
}

// run takes everything back and returns what could not be.
func (u *undoer) run(ctx context.Context) (left []string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
	defer cancel()
	for i := len(u.steps) - 1; i >= 0; i-- {
		if err := u.steps[i].undo(ctx); err != nil {
			left = append(left, u.steps[i].what)
		}
	}
	u.steps = nil
	return left
}
