package otelkith

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	as "github.com/gokith/kith/activitystreams"
	"github.com/gokith/kith/observe"
)

// Scope is the name of the instrumentation.
const Scope = "github.com/gokith/kith/otelkith"

// MaxCodes is how many different values kith.code takes in one process.
const MaxCodes = 200

// Attributes of metrics and spans.
const (
	KeyStep   = attribute.Key("kith.step")
	KeyResult = attribute.Key("kith.result")
	KeyCode   = attribute.Key("kith.code")
	KeyVerb   = attribute.Key("kith.verb")
)

// Attributes of spans only: their values have no bound.
const (
	KeyActivity   = attribute.Key("kith.activity")
	KeyPeer       = attribute.Key("kith.peer")
	KeyAttempt    = attribute.Key("kith.attempt")
	KeyDeliveries = attribute.Key("kith.deliveries")
)

// Config says where spans and figures go. The zero value takes the global providers.
type Config struct {
	TracerProvider trace.TracerProvider // nil: otel.GetTracerProvider
	MeterProvider  metric.MeterProvider // nil: otel.GetMeterProvider
	// Version is the version of the app's instrumentation, or "".
	Version string
}

func (c Config) meter() metric.Meter {
	if c.MeterProvider == nil {
		c.MeterProvider = otel.GetMeterProvider()
	}
	return c.MeterProvider.Meter(Scope, metric.WithInstrumentationVersion(c.Version))
}

func (c Config) tracer() trace.Tracer {
	if c.TracerProvider == nil {
		c.TracerProvider = otel.GetTracerProvider()
	}
	return c.TracerProvider.Tracer(Scope, trace.WithInstrumentationVersion(c.Version))
}

// Observer is an [observe.Observer] for kith.Config.Observer. Create it with [New]. It is safe for
// concurrent use.
type Observer struct {
	tracer     trace.Tracer
	steps      metric.Int64Counter
	duration   metric.Float64Histogram
	wait       metric.Float64Histogram
	deliveries metric.Int64Counter
	verbs      map[string]bool
	codes      bounded
}

// bounds of the histograms, in seconds: a header read takes a tenth of a millisecond, a delivery may
// wait for days.
var (
	durations = []float64{.0001, .0002, .0005, .001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10, 30}
	waits     = []float64{.001, .01, .1, .5, 1, 2, 5, 10, 30, 60, 300, 1800, 3600, 6 * 3600, 24 * 3600, 5 * 24 * 3600}
)

// New makes the instruments. Errors are those of the meter.
func New(c Config) (*Observer, error) {
	m, errs := c.meter(), make([]error, 4)
	o := &Observer{tracer: c.tracer(), verbs: activityTypes()}
	o.steps, errs[0] = m.Int64Counter("kith.steps", metric.WithUnit("{step}"), metric.WithDescription("Steps of the road of messages that ended."))
	o.duration, errs[1] = m.Float64Histogram("kith.step.duration", metric.WithUnit("s"), metric.WithDescription("How long steps took."),
		metric.WithExplicitBucketBoundaries(durations...))
	o.wait, errs[2] = m.Float64Histogram("kith.step.wait", metric.WithUnit("s"), metric.WithDescription("How long messages had lain before an attempt."),
		metric.WithExplicitBucketBoundaries(waits...))
	o.deliveries, errs[3] = m.Int64Counter("kith.fanout.deliveries", metric.WithUnit("{delivery}"), metric.WithDescription("Deliveries that fan-outs wrote."))
	return o, errors.Join(errs...)
}

// Begin starts a span.
func (o *Observer) Begin(ctx context.Context, step observe.Step) (context.Context, func(observe.Outcome)) {
	begun := time.Now()
	ctx, span := o.tracer.Start(ctx, string(step), trace.WithSpanKind(kind(step)), trace.WithTimestamp(begun))
	return ctx, func(out observe.Outcome) { o.end(ctx, span, step, begun, out) }
}

func (o *Observer) end(ctx context.Context, span trace.Span, step observe.Step, begun time.Time, out observe.Outcome) {
	ended := time.Now()
	about := make([]attribute.KeyValue, 2, 4)
	about[0], about[1] = KeyStep.String(string(step)), KeyResult.String(string(out.Result))
	o.duration.Record(ctx, ended.Sub(begun).Seconds(), metric.WithAttributes(about...))
	if step == observe.Handle || step == observe.Deliver {
		o.wait.Record(ctx, out.Waited.Seconds(), metric.WithAttributes(about[0]))
	}
	if out.Count > 0 {
		o.deliveries.Add(ctx, int64(out.Count))
	}
	if out.Verb != "" {
		about = append(about, KeyVerb.String(o.verb(out.Verb)))
	}
	if out.Code != "" {
		about = append(about, KeyCode.String(o.codes.of(out.Code)))
	}
	o.steps.Add(ctx, 1, metric.WithAttributes(about...))

	if span.IsRecording() {
		span.SetAttributes(about[1:]...)
		for _, more := range []attribute.KeyValue{KeyActivity.String(out.Activity), KeyPeer.String(out.Peer)} {
			if more.Value.AsString() != "" {
				span.SetAttributes(more)
			}
		}
		if out.Attempt > 0 {
			span.SetAttributes(KeyAttempt.Int(out.Attempt))
		}
		if out.Count > 0 {
			span.SetAttributes(KeyDeliveries.Int(out.Count))
		}
		if out.Result == observe.Failed {
			span.SetStatus(codes.Error, out.Code)
		}
	}
	span.End(trace.WithTimestamp(ended))
}

func kind(s observe.Step) trace.SpanKind {
	switch s {
	case observe.Receive:
		return trace.SpanKindServer
	case observe.Handle, observe.FanOut:
		return trace.SpanKindConsumer
	case observe.Publish:
		return trace.SpanKindProducer
	case observe.Deliver, observe.Fetch:
		return trace.SpanKindClient
	}
	return trace.SpanKindInternal
}

// other stands for what would make one more time series for every stranger who asks for it.
const other = "other"

func (o *Observer) verb(v string) string {
	if o.verbs[v] {
		return v
	}
	return other
}

// activityTypes are the names of all known types of activity.
func activityTypes() map[string]bool {
	set := make(map[string]bool)
	for t := range as.Terms() {
		n, err := as.Decode([]byte(`{"type":` + strconv.Quote(t.Name) + `}`))
		if err != nil {
			continue
		}
		if _, ok := as.ActivityOf(n); ok {
			set[t.Name] = true
		}
	}
	return set
}

// bounded lets the first MaxCodes values pass.
type bounded struct {
	mu   sync.RWMutex
	seen map[string]bool
}

func (b *bounded) of(v string) string {
	b.mu.RLock()
	known, full := b.seen[v], len(b.seen) >= MaxCodes
	b.mu.RUnlock()
	switch {
	case known:
		return v
	case full:
		return other
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.seen == nil {
		b.seen = make(map[string]bool)
	}
	if len(b.seen) >= MaxCodes && !b.seen[v] {
		return other
	}
	b.seen[v] = true
	return v
}
