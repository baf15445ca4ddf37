// Clients are told which metrics to push, and held to it.

package state_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/kafkatest/internal/setting"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

var instanceID = [16]byte{9}

func subscriptions(d *driver, id [16]byte) *kmsg.GetTelemetrySubscriptionsResponse {
	d.t.Helper()
	return ask[*kmsg.GetTelemetrySubscriptionsResponse](d, &kmsg.GetTelemetrySubscriptionsRequest{ClientInstanceID: id})
}

func push(d *driver, id [16]byte, subscription int32, change func(*kmsg.PushTelemetryRequest)) int16 {
	d.t.Helper()
	req := &kmsg.PushTelemetryRequest{ClientInstanceID: id, SubscriptionID: subscription, Metrics: []byte("m")}
	if change != nil {
		change(req)
	}
	return ask[*kmsg.PushTelemetryResponse](d, req).ErrorCode
}

func TestAClientIsToldTheMetricsOfItsSubscriptions(t *testing.T) {
	d := newDriver(t, 1, nil)
	for name, written := range map[string][]string{
		"java":  {"metrics=b,a", "interval.ms=2000", "match=client_software_name=apache-kafka-.*"},
		"app":   {"metrics=c", "interval.ms=1000", "match=client_id=app,client_source_address=10\\..*"},
		"other": {"metrics=d", "interval.ms=500", "match=client_id=other"},
	} {
		wantCode(t, name, alter(d, setting.ClientMetrics, name, written...), nil)
	}
	resp := subscriptions(d, [16]byte{})
	wantCode(t, "the subscriptions", resp.ErrorCode, nil)
	if fmt.Sprint(resp.RequestedMetrics) != "[a b c]" || resp.PushIntervalMillis != 1000 {
		t.Errorf("told %v every %d ms", resp.RequestedMetrics, resp.PushIntervalMillis)
	}
	if resp.ClientInstanceID == [16]byte{} || resp.TelemetryMaxBytes != 1048576 || !resp.DeltaTemporality {
		t.Errorf("told %+v", resp)
	}
	wantCode(t, "all", alter(d, setting.ClientMetrics, "all", "metrics=*"), nil)
	if resp := subscriptions(d, resp.ClientInstanceID); fmt.Sprint(resp.RequestedMetrics) != "[*]" {
		t.Errorf("of all, told %v", resp.RequestedMetrics)
	}
}

func TestWithoutSubscriptionsNoMetricsAreWanted(t *testing.T) {
	resp := subscriptions(newDriver(t, 1, map[string]string{"metric.reporters": "a.Reporter"}), [16]byte{})
	if len(resp.RequestedMetrics) != 0 || resp.PushIntervalMillis != 300000 {
		t.Errorf("told %v every %d ms", resp.RequestedMetrics, resp.PushIntervalMillis)
	}
}

func TestMetricsAreTakenOncePerInterval(t *testing.T) {
	d := newDriver(t, 1, nil)
	alter(d, setting.ClientMetrics, "all", "metrics=*", "interval.ms=1000")
	id := subscriptions(d, instanceID).SubscriptionID
	wantCode(t, "asking again at once", subscriptions(d, instanceID).ErrorCode, kerr.ThrottlingQuotaExceeded)
	wantCode(t, "the first push", push(d, instanceID, id, nil), nil)
	wantCode(t, "a push too early", push(d, instanceID, id, nil), kerr.ThrottlingQuotaExceeded)
	d.tick(time.Second)
	wantCode(t, "a push in time", push(d, instanceID, id, nil), nil)
	last := func(req *kmsg.PushTelemetryRequest) { req.Terminating, req.Metrics = true, []byte("last") }
	wantCode(t, "the last push", push(d, instanceID, id, last), nil)
	wantCode(t, "a push after the last", push(d, instanceID, id, nil), kerr.InvalidRequest)
}

func TestPushesThatAreNotRightAreRefused(t *testing.T) {
	for _, c := range []struct {
		what   string
		change func(*kmsg.PushTelemetryRequest)
		want   *kerr.Error
	}{
		{"no instance", func(r *kmsg.PushTelemetryRequest) { r.ClientInstanceID = [16]byte{} }, kerr.InvalidRequest},
		{"a reserved instance", func(r *kmsg.PushTelemetryRequest) { r.ClientInstanceID = [16]byte{15: 1} },
			kerr.InvalidRequest},
		{"another subscription", func(r *kmsg.PushTelemetryRequest) { r.SubscriptionID++ }, kerr.UnknownSubscriptionID},
		{"an unknown codec", func(r *kmsg.PushTelemetryRequest) { r.CompressionType = 5 },
			kerr.UnsupportedCompressionType},
		{"too much", func(r *kmsg.PushTelemetryRequest) { r.Metrics = make([]byte, 101) }, kerr.TelemetryTooLarge},
	} {
		d := newDriver(t, 1, map[string]string{"telemetry.max.bytes": "100", "metric.reporters": "a.Reporter"})
		id := subscriptions(d, instanceID).SubscriptionID
		wantCode(t, c.what, push(d, instanceID, id, c.change), c.want)
	}
}

func TestAClientThatIsWrongMayAskAgainAtOnce(t *testing.T) {
	d := newDriver(t, 1, map[string]string{"metric.reporters": "a.Reporter"})
	before := subscriptions(d, instanceID)
	alter(d, setting.ClientMetrics, "all", "metrics=*")
	wantCode(t, "a push of the old", push(d, instanceID, before.SubscriptionID, nil), kerr.UnknownSubscriptionID)
	after := subscriptions(d, instanceID)
	wantCode(t, "asking again", after.ErrorCode, nil)
	if after.SubscriptionID == before.SubscriptionID || !slices.Equal(after.RequestedMetrics, []string{"*"}) {
		t.Errorf("told %+v", after)
	}
}

func TestMetricsAreNotTakenUntilSomebodyWantsThem(t *testing.T) {
	d := newDriver(t, 1, nil)
	served := func() bool {
		_, _, get := d.Versions(int16(kmsg.GetTelemetrySubscriptions))
		_, _, push := d.Versions(int16(kmsg.PushTelemetry))
		return get && push
	}
	if served() {
		t.Error("they are taken though nobody wants them")
	}
	alter(d, setting.ClientMetrics, "all", "metrics=*")
	if !served() {
		t.Error("they are not taken though there is a subscription")
	}
	alter(d, setting.ClientMetrics, "all", "-metrics")
	if !served() {
		t.Error("clients that have begun are cut off")
	}
}

func TestNoSubscriptionMakesPushesRarerThanTheDefault(t *testing.T) {
	d := newDriver(t, 1, nil)
	wantCode(t, "the subscription", alter(d, setting.ClientMetrics, "rare", "metrics=a", "interval.ms=3600000"), nil)
	if got := subscriptions(d, instanceID).PushIntervalMillis; got != 300000 {
		t.Errorf("told to push every %d ms", got)
	}
}

func TestTheLastPushIsTheLastThoughItIsRefused(t *testing.T) {
	d := newDriver(t, 1, map[string]string{"metric.reporters": "a.Reporter"})
	id := subscriptions(d, instanceID).SubscriptionID
	last := func(req *kmsg.PushTelemetryRequest) { req.Terminating, req.CompressionType = true, 5 }
	wantCode(t, "the last push", push(d, instanceID, id, last), kerr.UnsupportedCompressionType)
	d.tick(time.Hour)
	wantCode(t, "a push after it", push(d, instanceID, id, nil), kerr.InvalidRequest)
}
