package etcdmember

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/go-logr/logr/funcr"
	"go.uber.org/zap"
)

func TestLogging(t *testing.T) {
	boom := errors.New("boom")
	for name, c := range map[string]struct {
		stopping bool
		write    func(*zap.Logger)
		want     string
		failure  string
	}{
		"info is left out":         {write: func(l *zap.Logger) { l.Info("chat") }},
		"a warning with its error": {write: func(l *zap.Logger) { l.Warn("slow", zap.Int("n", 3), zap.Error(boom)) }, want: `"level"=0 "msg"="slow" "n"=3 "err"="boom"`},
		"fields of the logger":     {write: func(l *zap.Logger) { l.With(zap.String("a", "b")).Warn("slow") }, want: `"level"=0 "msg"="slow" "a"="b"`},
		"an error":                 {write: func(l *zap.Logger) { l.Error("bad", zap.Error(boom)) }, want: `"msg"="bad" "error"="boom"`},
		"an error of stopping":     {stopping: true, write: func(l *zap.Logger) { l.Error("bad", zap.Error(boom)) }},
		"what is normal on first start": {write: func(l *zap.Logger) {
			l.Error("failed to update storage version", zap.Error(errors.New("x: missing term information")))
		}},
		"what only looks like it":        {write: func(l *zap.Logger) { l.Error("failed to update storage version", zap.Error(boom)) }, want: `"msg"="failed to update storage version" "error"="boom"`},
		"the end is not logged but told": {write: func(l *zap.Logger) { l.Fatal("over", zap.Error(boom)) }, failure: "over: boom"},
		"a panic is told too":            {write: func(l *zap.Logger) { l.Panic("over") }, failure: "over"},
	} {
		t.Run(name, func(t *testing.T) {
			var lines []string
			logger := funcr.New(func(_, args string) { lines = append(lines, args) }, funcr.Options{})
			var stopping atomic.Bool
			stopping.Store(c.stopping)
			var failure error
			l := newLogger(logger, &stopping, func(err error) { failure = err })
			returned := false
			var wg sync.WaitGroup
			wg.Add(1)
			go func() {
				defer wg.Done()
				c.write(l)
				returned = true
			}()
			wg.Wait()
			if returned != (c.failure == "") {
				t.Errorf("the call returned: %v", returned)
			}
			if got := strings.Join(lines, "\n"); got != c.want {
				t.Errorf("logged %s, want %s", got, c.want)
			}
			if c.failure != "" && (failure == nil || failure.Error() != c.failure) {
				t.Errorf("failure is %v, want %s", failure, c.failure)
			}
			if c.failure == "over: boom" && !errors.Is(failure, boom) {
				t.Error("the cause is lost")
			}
		})
	}
}
