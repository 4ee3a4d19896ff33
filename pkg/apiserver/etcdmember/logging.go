package etcdmember

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/go-logr/logr"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// newLogger gives etcd a logger that writes through logger: warnings and errors
// as such, the rest only at high verbosity. When etcd gives up, fail is called
// once or more often with the reason, and the goroutine in question ends instead
// of the process.
// Once stopping is set, errors are what a stop is made of, and are not reported.
func newLogger(logger logr.Logger, stopping *atomic.Bool, fail func(error)) *zap.Logger {
	end := terminator{fail: fail}
	return zap.New(logCore{logger: logger, stopping: stopping}, zap.WithFatalHook(end), zap.WithPanicHook(end))
}

// verbosity of etcd's levels below warning.
const (
	infoVerbosity  = 4
	debugVerbosity = 6
)

// logCore is a zapcore.Core that writes to a logr.Logger.
type logCore struct {
	logger   logr.Logger
	stopping *atomic.Bool
	with     []zapcore.Field
}

func (c logCore) Enabled(level zapcore.Level) bool {
	return c.logger.V(c.verbosity(level)).Enabled()
}

func (c logCore) With(fields []zapcore.Field) zapcore.Core {
	c.with = append(slices.Clip(c.with), fields...)
	return c
}

func (c logCore) Check(entry zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if c.Enabled(entry.Level) {
		return checked.AddCore(entry, c)
	}
	return checked
}

func (c logCore) Write(entry zapcore.Entry, fields []zapcore.Field) error {
	pairs, err := keysAndValues(append(slices.Clip(c.with), fields...))
	switch {
	case expected(entry.Message, err):
	case entry.Level > zapcore.ErrorLevel: // becomes the error of Start or of Member.Err
	case entry.Level == zapcore.ErrorLevel && !c.stopping.Load():
		c.logger.Error(err, entry.Message, pairs...)
	default:
		if err != nil {
			pairs = append(pairs, "err", err)
		}
		c.logger.V(c.verbosity(entry.Level)).Info(entry.Message, pairs...)
	}
	return nil
}

func (c logCore) Sync() error { return nil }

func (c logCore) verbosity(level zapcore.Level) int {
	switch {
	case level == zapcore.DebugLevel:
		return debugVerbosity
	case level == zapcore.InfoLevel || c.stopping.Load():
		return infoVerbosity
	}
	return 0
}

// expected tells whether etcd complains about what is normal here.
func expected(message string, err error) bool {
	switch message {
	case "simple token is not cryptographically signed": // etcd's own users are not used
		return true
	case "Failed to detect storage schema version. Please wait till wal snapshot before upgrading cluster.": // after every kill
		return true
	case "scheme is http or unix while key and cert files are present; ignoring key and cert files",
		"scheme is http or unix while --client-cert-auth is enabled; ignoring client cert auth for this URL": // for the HTTP socket
		return true
	case "Failed to detect schema version", "failed to update storage version":
		// On a first start it looks before its first commit; it looks again 5 s later.
		return err != nil && strings.HasSuffix(err.Error(), "missing term information")
	}
	return false
}

// keysAndValues separates the error from the other fields.
func keysAndValues(fields []zapcore.Field) (pairs []any, failure error) {
	for _, f := range fields {
		if err, ok := f.Interface.(error); ok && f.Type == zapcore.ErrorType && failure == nil {
			failure = err
			continue
		}
		encoder := zapcore.NewMapObjectEncoder()
		f.AddTo(encoder)
		for key, value := range encoder.Fields {
			pairs = append(pairs, key, value)
		}
	}
	return pairs, failure
}

// terminator is what zap calls after an entry from which etcd does not mean to return.
type terminator struct {
	fail func(error)
}

func (t terminator) OnWrite(entry *zapcore.CheckedEntry, fields []zapcore.Field) {
	reason := errors.New(entry.Message)
	if _, cause := keysAndValues(fields); cause != nil {
		reason = fmt.Errorf("%s: %w", entry.Message, cause)
	}
	t.fail(reason)
	runtime.Goexit()
}
