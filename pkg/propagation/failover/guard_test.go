package failover

import (
	"testing"
	"time"
)

func TestMassLoss(t *testing.T) {
	for name, c := range map[string]struct {
		clusters int
		lost     []int // since when, in seconds
		want     bool
	}{
		"none":                             {10, nil, false},
		"the only one":                     {1, []int{0}, false},
		"one of two":                       {2, []int{0}, false},
		"both of two":                      {2, []int{0, 1}, true},
		"two of three":                     {3, []int{0, 1}, true},
		"five of ten":                      {10, []int{0, 1, 2, 3, 4}, false},
		"six of ten":                       {10, []int{0, 1, 2, 3, 4, 300}, true},
		"six of ten, one long before":      {10, []int{-1, 1, 2, 3, 4, 300}, false},
		"the window may be anywhere":       {4, []int{-9000, -5000, -4900, -4800}, true},
		"one after the other, for a while": {4, []int{-9000, -8000, -7000, -6000}, false},
	} {
		t.Run(name, func(t *testing.T) {
			var all []*place
			for i := range c.clusters {
				p := &place{since: at(-99999)}
				if i < len(c.lost) {
					p.lost, p.since = true, at(c.lost[i])
				}
				all = append(all, p)
			}
			if got := massLoss(all, DefaultMassLossWindow, DefaultMassLossShare); got != c.want {
				t.Errorf("got %t", got)
			}
		})
	}
}

func TestSettings(t *testing.T) {
	s := Settings{Confirmation: -1}.withDefaults()
	if s.Confirmation != 0 || s.GracePeriod != 10*time.Minute || s.MassLossShare != 0.55 || s.PurgeMode != "Gracefully" {
		t.Errorf("got %+v", s)
	}
}
