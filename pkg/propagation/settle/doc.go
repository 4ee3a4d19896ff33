// Package settle is the queue under every loop of the propagation. A key that is
// added is handed out at once; a key whose last handling changed something rests
// for a window first, so that a burst of changes becomes one write at its start
// and one a window after that. A key that failed comes back with exponential
// backoff. Handlers are level-triggered: a key stands for an object, never for an
// event, and is never handled by two workers at a time.
package settle
