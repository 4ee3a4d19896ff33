package aggregate

import "testing"

func TestBlank(t *testing.T) {
	for status, want := range map[string]bool{"": true, "{}": true, `{"replicas":0}`: false} {
		if got := blank([]byte(status)); got != want {
			t.Errorf("blank(%s) = %v, want %v", status, got, want)
		}
	}
}
