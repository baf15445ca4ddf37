// Telemetry: which metrics clients are asked for, and when they may push them (KIP-714).

package state

import (
	"encoding/base64"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/rehearse-go/rehearse/kafkatest/internal/setting"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// mostInstances is how many client instances are remembered, as in Kafka.
const mostInstances = 16384

// telemetry is what the cluster knows of clients that have metrics.
type telemetry struct {
	instances map[[16]byte]*instance
	order     [][16]byte // the one that came first, first
	wanted    bool       // clients may push: once they may, they always may
}

// An instance is a client as it is known for its metrics.
type instance struct {
	subscription int32
	metrics      []string
	interval     time.Duration
	lastGet      time.Time
	lastPush     time.Time
	lost         bool // its last push named a subscription or codec that was not right
	terminating  bool
}

// takesMetrics reports whether clients may push metrics. As in Kafka, where a
// reporter must be there that takes them, they may not unless that was asked
// for: by a subscription, at any time, or by a reporter besides JMX's. Clients
// that need not push would do so all the same, each at a broker and a time that
// it chooses by chance.
func (c *Cluster) takesMetrics() bool {
	t := &c.admin.telemetry
	if !t.wanted {
		reporters := c.settings.Of(noBroker, "metric.reporters").List()
		foreign := func(class string) bool { return !strings.HasSuffix(class, ".JmxReporter") }
		t.wanted = c.settings.Names(setting.ClientMetrics) != nil || slices.ContainsFunc(reporters, foreign)
	}
	return t.wanted
}

func telemetryAPIs() []api {
	return []api{
		serves(kmsg.GetTelemetrySubscriptions, 0, 0, (*Cluster).getTelemetrySubscriptions),
		serves(kmsg.PushTelemetry, 0, 0, (*Cluster).pushTelemetry),
	}
}

func (c *Cluster) getTelemetrySubscriptions(x *call.Call, req *kmsg.GetTelemetrySubscriptionsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.GetTelemetrySubscriptionsResponse)
	id := req.ClientInstanceID
	if id == [16]byte{} {
		id = c.Seed.UUID("client instance", x.Conn)
	}
	in := c.instance(x, id)
	if last := latest(in.lastGet, in.lastPush); !in.lost && !last.IsZero() && x.Now.Sub(last) < in.interval {
		resp.ErrorCode = kerr.ThrottlingQuotaExceeded.Code
		return resp
	}
	in.lastGet, in.lost = x.Now, false
	resp.ClientInstanceID, resp.SubscriptionID, resp.RequestedMetrics = id, in.subscription, in.metrics
	resp.AcceptedCompressionTypes = []int8{4, 3, 1, 2} // zstd, lz4, gzip, snappy: the smallest first
	resp.PushIntervalMillis = int32(in.interval.Milliseconds())
	resp.TelemetryMaxBytes = int32(c.SettingInt("telemetry.max.bytes"))
	resp.DeltaTemporality = true
	return resp
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (c *Cluster) pushTelemetry(x *call.Call, req *kmsg.PushTelemetryRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.PushTelemetryResponse)
	reserved := [16]byte{15: 1}
	if req.ClientInstanceID == [16]byte{} || req.ClientInstanceID == reserved {
		resp.ErrorCode = kerr.InvalidRequest.Code
		return resp
	}
	in := c.instance(x, req.ClientInstanceID)
	err := c.checkPush(x, in, req)
	in.terminating = req.Terminating // taken or not, as in Kafka
	if err != nil {
		in.lost = err == kerr.UnknownSubscriptionID || err == kerr.UnsupportedCompressionType
		resp.ErrorCode = err.Code
		return resp
	}
	return resp
}

// checkPush says why a push is not taken. One that comes in time is noted as
// the last, taken or not.
func (c *Cluster) checkPush(x *call.Call, in *instance, req *kmsg.PushTelemetryRequest) *kerr.Error {
	if in.terminating {
		return kerr.InvalidRequest
	}
	inTime := in.lastGet.After(in.lastPush) || x.Now.Sub(in.lastPush) >= in.interval
	if !inTime && !req.Terminating {
		return kerr.ThrottlingQuotaExceeded
	}
	in.lastPush = x.Now
	switch {
	case req.SubscriptionID != in.subscription:
		return kerr.UnknownSubscriptionID
	case req.CompressionType < 0 || req.CompressionType > 4:
		return kerr.UnsupportedCompressionType
	case int64(len(req.Metrics)) > c.SettingInt("telemetry.max.bytes"):
		return kerr.TelemetryTooLarge
	}
	return nil
}

// instance returns what is known of a client instance. When the metrics that
// are wanted of it have changed, it begins anew.
func (c *Cluster) instance(x *call.Call, id [16]byte) *instance {
	t := &c.admin.telemetry
	metrics, interval := c.wantedMetrics(x, id)
	subscription := int32(c.Seed.Below(math.MaxInt32, "subscription", string(id[:]),
		strings.Join(metrics, ","), strconv.FormatInt(int64(interval), 10)))
	in, known := t.instances[id]
	if known && in.subscription == subscription {
		return in
	}
	in = &instance{subscription: subscription, metrics: metrics, interval: interval}
	if t.instances == nil {
		t.instances = map[[16]byte]*instance{}
	}
	if !known {
		t.order = append(t.order, id)
	}
	t.instances[id] = in
	if len(t.order) > mostInstances {
		delete(t.instances, t.order[0])
		t.order = t.order[1:]
	}
	return in
}

// wantedMetrics joins the subscriptions that are for a client: all their
// metrics, at the shortest of their intervals and the default one. "*" stands
// for every metric.
func (c *Cluster) wantedMetrics(x *call.Call, id [16]byte) ([]string, time.Duration) {
	client := selectorsOf(x, id)
	metrics, interval := []string{}, c.subscription("")("interval.ms").Duration()
	for _, name := range c.settings.Names(setting.ClientMetrics) {
		config := c.subscription(name)
		if match, err := setting.ParseMatch(config("match")); err != nil || !match.Holds(client) {
			continue
		}
		metrics = append(metrics, config("metrics").List()...)
		interval = min(interval, config("interval.ms").Duration())
	}
	slices.Sort(metrics)
	metrics = slices.Compact(metrics)
	if slices.Contains(metrics, "*") {
		metrics = []string{"*"}
	}
	return metrics, interval
}

// subscription returns the configs of a client metrics subscription.
func (c *Cluster) subscription(name string) func(config string) setting.Text {
	return func(config string) setting.Text { return c.settings.OfMetrics(name, config) }
}

// selectorsOf tells a client by what subscriptions can match.
func selectorsOf(x *call.Call, id [16]byte) map[string]string {
	name, version := x.Software, ""
	if at := strings.IndexAny(name, " /"); at >= 0 {
		name, version = name[:at], name[at+1:]
	}
	return map[string]string{
		"client_id": x.ClientID, "client_source_address": x.Host,
		"client_instance_id":   base64.RawURLEncoding.EncodeToString(id[:]),
		"client_software_name": name, "client_software_version": version,
	}
}
