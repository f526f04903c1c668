package otelkith_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/gokith/kith/observe"
	"github.com/gokith/kith/otelkith"
	"github.com/gokith/kith/storage"
)

// bench is a place to look at spans and figures.
type bench struct {
	t      *testing.T
	spans  *tracetest.SpanRecorder
	reader *sdkmetric.ManualReader
	config otelkith.Config
}

func newBench(t *testing.T) *bench {
	b := &bench{t: t, spans: tracetest.NewSpanRecorder(), reader: sdkmetric.NewManualReader()}
	b.config = otelkith.Config{
		TracerProvider: sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(b.spans)),
		MeterProvider:  sdkmetric.NewMeterProvider(sdkmetric.WithReader(b.reader)),
	}
	return b
}

func (b *bench) observer() *otelkith.Observer {
	b.t.Helper()
	o, err := otelkith.New(b.config)
	require.NoError(b.t, err)
	return o
}

// metrics collects everything, by name.
func (b *bench) metrics() map[string]metricdata.Metrics {
	b.t.Helper()
	var all metricdata.ResourceMetrics
	require.NoError(b.t, b.reader.Collect(b.t.Context(), &all))
	out := make(map[string]metricdata.Metrics)
	for _, s := range all.ScopeMetrics {
		assert.Equal(b.t, otelkith.Scope, s.Scope.Name)
		for _, m := range s.Metrics {
			out[m.Name] = m
		}
	}
	return out
}

// points returns the values of a counter or gauge of integers by their attributes.
func points(m metricdata.Metrics) map[string]int64 {
	out := make(map[string]int64)
	add := func(points []metricdata.DataPoint[int64]) {
		for _, p := range points {
			out[p.Attributes.Encoded(attribute.DefaultEncoder())] = p.Value
		}
	}
	switch data := m.Data.(type) {
	case metricdata.Sum[int64]:
		add(data.DataPoints)
	case metricdata.Gauge[int64]:
		add(data.DataPoints)
	}
	return out
}

func TestStepsBecomeSpansAndFigures(t *testing.T) {
	b := newBench(t)
	o := b.observer()
	ctx, end := o.Begin(t.Context(), observe.Deliver)
	_, inner := o.Begin(ctx, observe.Fetch)
	inner(observe.Outcome{Result: observe.OK})
	end(observe.Outcome{
		Result: observe.Failed, Code: "http.503", Verb: "Create", Activity: "https://kith.example/ap/activities/1",
		Peer: "https://remote.example", Attempt: 12, Waited: 2 * time.Hour, Err: errors.New("down"),
	})
	_, end = o.Begin(t.Context(), observe.FanOut)
	end(observe.Outcome{Result: observe.OK, Count: 40})

	spans := b.spans.Ended()
	require.Len(t, spans, 3)
	fetch, deliver, fanout := spans[0], spans[1], spans[2]
	assert.Equal(t, "delivery.attempt", deliver.Name())
	assert.Equal(t, trace.SpanKindClient, deliver.SpanKind())
	assert.Equal(t, codes.Error, deliver.Status().Code)
	assert.Equal(t, deliver.SpanContext().SpanID(), fetch.Parent().SpanID(), "what a step causes belongs to it")
	assert.NotEqual(t, deliver.SpanContext().TraceID(), fanout.SpanContext().TraceID())
	said := map[attribute.Key]string{}
	for _, a := range deliver.Attributes() {
		said[a.Key] = a.Value.String()
	}
	assert.Equal(t, map[attribute.Key]string{
		"kith.result": "failed", "kith.code": "http.503", "kith.verb": "Create", "kith.peer": "https://remote.example",
		"kith.activity": "https://kith.example/ap/activities/1", "kith.attempt": "12",
	}, said)

	m := b.metrics()
	assert.Equal(t, map[string]int64{
		"kith.code=http.503,kith.result=failed,kith.step=delivery.attempt,kith.verb=Create": 1,
		"kith.result=ok,kith.step=fetch.get":                                                1,
		"kith.result=ok,kith.step=outbox.fanout":                                            1,
	}, points(m["kith.steps"]))
	assert.Equal(t, map[string]int64{"": 40}, points(m["kith.fanout.deliveries"]))
	waits := m["kith.step.wait"].Data.(metricdata.Histogram[float64]).DataPoints
	require.Len(t, waits, 1)
	assert.InDelta(t, 7200, waits[0].Sum, 0)
	assert.Len(t, m["kith.step.duration"].Data.(metricdata.Histogram[float64]).DataPoints, 3)
}

// TestStrangersMakeNoSeries: whatever a million strangers write, the number of time series is bounded.
func TestStrangersMakeNoSeries(t *testing.T) {
	b := newBench(t)
	o := b.observer()
	for i := range 3 * otelkith.MaxCodes {
		_, end := o.Begin(t.Context(), observe.Receive)
		end(observe.Outcome{Result: observe.Refused, Verb: fmt.Sprint("Verb", i), Peer: fmt.Sprintf("https://%d.example", i)})
		_, end = o.Begin(t.Context(), observe.Handle)
		end(observe.Outcome{Result: observe.Refused, Code: fmt.Sprint("code.", i), Verb: "Note"})
	}
	got := points(b.metrics()["kith.steps"])
	assert.Len(t, got, 1+otelkith.MaxCodes+1)
	assert.EqualValues(t, 3*otelkith.MaxCodes, got["kith.result=refused,kith.step=inbox.receive,kith.verb=other"])
	assert.EqualValues(t, 2*otelkith.MaxCodes, got["kith.code=other,kith.result=refused,kith.step=inbox.handle,kith.verb=other"],
		"a Note is no activity")
}

// meter is a store that counts.
type meter struct {
	stats storage.Stats
	err   error
}

func (m *meter) Stats(context.Context) (storage.Stats, error) { return m.stats, m.err }

func TestWatch(t *testing.T) {
	b := newBench(t)
	store := &meter{stats: storage.Stats{
		PendingReceipts: 3, DeadReceipts: 1, UnfinishedPosts: 2, PendingDeliveries: 50, DueDeliveries: 7,
		OldestReceipt: time.Now().Add(-time.Minute), Tables: map[string]int{"kith_posts": 9}, Bytes: 4096,
	}}
	unwatch, err := otelkith.Watch(store, b.config)
	require.NoError(t, err)
	m := b.metrics()
	assert.Equal(t, map[string]int64{
		"kith.backlog.kind=receipts": 3, "kith.backlog.kind=receipts.dead": 1, "kith.backlog.kind=posts": 2,
		"kith.backlog.kind=deliveries": 50, "kith.backlog.kind=deliveries.due": 7,
	}, points(m["kith.backlog"]))
	assert.Equal(t, map[string]int64{"kith.table=kith_posts": 9}, points(m["kith.table.rows"]))
	assert.Equal(t, map[string]int64{"": 4096}, points(m["kith.store.size"]))
	age := m["kith.backlog.age"].Data.(metricdata.Gauge[float64]).DataPoints
	require.Len(t, age, 1)
	assert.InDelta(t, 60, age[0].Value, 30)

	store.err = errors.New("the database is down")
	var all metricdata.ResourceMetrics
	require.ErrorIs(t, b.reader.Collect(t.Context(), &all), store.err)
	require.NoError(t, unwatch())
	assert.Empty(t, b.metrics()["kith.backlog"].Data)
}
