package datadir

import (
	"bufio"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
)

func TestSecondProcessIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data")
	holder := play(t, "hold", path)
	stdin, err := holder.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "held\n" {
		t.Fatalf("the holder said %q (%v)", line, err)
	}

	_, err = Open(path, Options{})
	want := fmt.Sprintf("data directory %s is in use by the process with pid %d: stop it first, or start this one with another --data-dir", path, holder.Process.Pid)
	var locked *LockedError
	if !errors.As(err, &locked) || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}

	// However the holder ends, the lock ends with it.
	if err := holder.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	holder.Wait()
	stdin.Close()
	if d := mustOpen(t, path, Options{}); d.Created() {
		t.Error("Created is true on a second start")
	}
}

func TestReopenedDirectoryIsTheSame(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data")
	first := mustOpen(t, path, Options{})
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	again := mustOpen(t, path, Options{})
	if again.Created() || again.Identity() != first.Identity() {
		t.Errorf("the directory changed its identity from %+v to %+v", first.Identity(), again.Identity())
	}
}

// Of many that start at once on a directory that is not there yet, one wins and
// the others hear that it is in use, nothing else; failing first starts, which
// remove the lock file again, must let no second one in.
func TestSimultaneousFirstStarts(t *testing.T) {
	boom := errors.New("boom")
	for round := range 20 {
		path := filepath.Join(t.TempDir(), "data")
		var (
			wg      sync.WaitGroup
			mu      sync.Mutex
			holding int
			opened  []*Dir
		)
		for i := range 8 {
			wg.Go(func() {
				opts := Options{}
				if i%2 == 0 {
					opts.beforeStep = func(s string) error {
						if s == "marker" {
							return boom
						}
						return nil
					}
				}
				d, err := Open(path, opts)
				var locked *LockedError
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					holding++
					opened = append(opened, d)
				case !errors.As(err, &locked) && !errors.Is(err, boom):
					t.Errorf("round %d: %v", round, err)
				}
			})
		}
		wg.Wait()
		if holding > 1 {
			t.Errorf("round %d: %d hold the directory at once", round, holding)
		}
		for _, d := range opened {
			d.Close()
		}
	}
}
