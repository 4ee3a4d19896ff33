package certificates

import "fmt"

// FileError says that a file in DATA/pki that only its owner can put right is unusable.
type FileError struct {
	// File is its path.
	File string
	// Problem completes the sentence "FILE …".
	Problem string
	// Remedy is what to do, in the imperative.
	Remedy string
	// Err is the cause, possibly nil.
	Err error
}

func (e *FileError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s %s (%v): %s", e.File, e.Problem, e.Err, e.Remedy)
	}
	return fmt.Sprintf("%s %s: %s", e.File, e.Problem, e.Remedy)
}

func (e *FileError) Unwrap() error { return e.Err }
