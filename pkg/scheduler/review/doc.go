// Package review answers PlacementReviews. Whoever asks creates one, the leading
// scheduler writes the answer into its status, and deletes it when it is ten minutes
// old. Questions about a binding are answered by deciding it once more over the
// clusters of this moment; simulations by deciding templates one after the other over
// clusters that are changed as asked. Either way with the scheduler's own cycle, and
// without writing anything but the status.
//
// A review is answered once. A scheduler that dies before it has written the status
// leaves it Pending, and the next leader answers it.
package review
