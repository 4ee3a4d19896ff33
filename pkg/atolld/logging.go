package atolld

import (
	"context"
	"flag"
	"io"
	"log/slog"
	"strconv"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
	"k8s.io/klog/v2/textlogger"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"atoll.dev/atoll/pkg/serverconfig"
)

// withLogger puts Atoll's logger into the context and directs what Kubernetes' own
// code logs without a context to the same place, one level quieter: of that, level
// 0 shows errors only.
func withLogger(ctx context.Context, config serverconfig.Logging, out io.Writer) context.Context {
	var logger logr.Logger
	switch config.Format {
	case serverconfig.LogJSON:
		// slog's levels count the other way round: verbosity n is level -n.
		logger = logr.FromSlogHandler(slog.NewJSONHandler(out, &slog.HandlerOptions{Level: slog.Level(-config.Level)}))
		klog.SetLoggerWithOptions(logger.V(1), klog.ContextualLogger(false))
		setKlogFlag("v", strconv.Itoa(config.Level))
	default:
		logger = textlogger.NewLogger(textlogger.NewConfig(textlogger.Verbosity(config.Level), textlogger.Output(out)))
		setKlogFlag("logtostderr", "false")
		setKlogFlag("stderrthreshold", "FATAL")
		setKlogFlag("v", strconv.Itoa(max(config.Level-1, 0)))
		// A line is written to the output of its own severity and of those below.
		from := "ERROR"
		if config.Level > 0 {
			from = "INFO"
		}
		for _, severity := range []string{"INFO", "WARNING", "ERROR", "FATAL"} {
			klog.SetOutputBySeverity(severity, io.Discard)
		}
		klog.SetOutputBySeverity(from, out)
	}
	ctrllog.SetLogger(logger.V(1))
	return klog.NewContext(ctx, logger)
}

func setKlogFlag(name, value string) {
	flags := flag.NewFlagSet("klog", flag.PanicOnError)
	klog.InitFlags(flags)
	if err := flags.Set(name, value); err != nil {
		panic(err) // of a constant name and a number
	}
}

// quieter returns a context whose logger shows plain messages from level 1 on only:
// for parts whose every start and stop is not worth a line.
func quieter(ctx context.Context) context.Context {
	return klog.NewContext(ctx, klog.FromContext(ctx).V(1))
}

// stopNoise is what controller-runtime logs as an error whenever a leader is told to stop.
const stopNoise = "error received after stop sequence was engaged"

// orderly returns a logger that does not call an orderly stop an error.
func orderly(logger logr.Logger) logr.Logger {
	return logger.WithSink(orderlySink{logger.GetSink()})
}

type orderlySink struct{ logr.LogSink }

func (s orderlySink) Error(err error, msg string, keysAndValues ...any) {
	if msg == stopNoise {
		return
	}
	s.LogSink.Error(err, msg, keysAndValues...)
}

func (s orderlySink) WithName(name string) logr.LogSink {
	return orderlySink{s.LogSink.WithName(name)}
}

func (s orderlySink) WithValues(keysAndValues ...any) logr.LogSink {
	return orderlySink{s.LogSink.WithValues(keysAndValues...)}
}
