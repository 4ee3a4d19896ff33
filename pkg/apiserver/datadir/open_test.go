package datadir

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestSecondOpenIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data")
	first, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(path, Options{})
	var locked *LockedError
	if !errors.As(err, &locked) || locked.PID != os.Getpid() || locked.Path != path {
		t.Fatalf("second Open: %v, want a LockedError with our pid", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Open(path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if again.Created() || again.Identity() != first.Identity() {
		t.Errorf("the directory changed its identity from %+v to %+v", first.Identity(), again.Identity())
	}
}
