package otelkith

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/gokith/kith/storage"
)

// Attributes of the gauges.
const (
	KeyBacklog = attribute.Key("kith.backlog.kind")
	KeyTable   = attribute.Key("kith.table")
)

// Watch makes gauges of what a store holds: the backlog, its age, and the size of its tables. They are
// read each time that metrics are collected, which counts rows: collect every half minute, not every
// second. One process of several is enough, since all would tell the same. The function that it returns
// ends it. Errors are those of the meter; those of the store reach OpenTelemetry's error handler.
func Watch(store storage.Meter, c Config) (unwatch func() error, err error) {
	m, errs := c.meter(), make([]error, 4)
	var g gauges
	g.backlog, errs[0] = m.Int64ObservableGauge("kith.backlog", metric.WithUnit("{item}"), metric.WithDescription("What waits to be handled or delivered."))
	g.age, errs[1] = m.Float64ObservableGauge("kith.backlog.age", metric.WithUnit("s"), metric.WithDescription("Age of the oldest received message that waits."))
	g.rows, errs[2] = m.Int64ObservableGauge("kith.table.rows", metric.WithUnit("{row}"), metric.WithDescription("Rows of each table."))
	g.size, errs[3] = m.Int64ObservableGauge("kith.store.size", metric.WithUnit("By"), metric.WithDescription("Size of the database."))
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	r, err := m.RegisterCallback(func(ctx context.Context, o metric.Observer) error {
		s, err := store.Stats(ctx)
		if err != nil {
			return err
		}
		g.observe(o, s, time.Now())
		return nil
	}, g.backlog, g.age, g.rows, g.size)
	if err != nil {
		return nil, err
	}
	return r.Unregister, nil
}

type gauges struct {
	backlog, rows, size metric.Int64ObservableGauge
	age                 metric.Float64ObservableGauge
}

func (g gauges) observe(o metric.Observer, s storage.Stats, now time.Time) {
	for kind, n := range map[string]int{
		"receipts": s.PendingReceipts, "receipts.dead": s.DeadReceipts, "posts": s.UnfinishedPosts,
		"deliveries": s.PendingDeliveries, "deliveries.due": s.DueDeliveries,
	} {
		o.ObserveInt64(g.backlog, int64(n), metric.WithAttributes(KeyBacklog.String(kind)))
	}
	age := time.Duration(0)
	if !s.OldestReceipt.IsZero() {
		age = now.Sub(s.OldestReceipt)
	}
	o.ObserveFloat64(g.age, age.Seconds())
	for table, n := range s.Tables {
		o.ObserveInt64(g.rows, int64(n), metric.WithAttributes(KeyTable.String(table)))
	}
	if s.Bytes > 0 {
		o.ObserveInt64(g.size, s.Bytes)
	}
}
