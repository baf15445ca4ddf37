// Round trips of a scripted broker and of one with state.

package kafkatest_test

import (
	"io"
	"testing"

	"github.com/rehearse-go/rehearse/kafkatest"
	"github.com/rehearse-go/rehearse/kafkatest/internal/wire"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func BenchmarkRoundTrip(b *testing.B) {
	rows := []struct {
		name     string
		scripted bool
		rule     bool
	}{{"scripted", true, false}, {"state", false, false}, {"state with a rule", false, true}}
	for _, row := range rows {
		b.Run(row.name, func(b *testing.B) {
			c, err := kafkatest.New(kafkatest.Config{Scripted: row.scripted})
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			if row.scripted {
				c.Broker(0).Handle(kmsg.Heartbeat, kafkatest.Sequence(kmsg.NewPtrHeartbeatResponse()))
			}
			if row.rule {
				c.Fail(kmsg.Heartbeat, kafkatest.OfGroup("nobody"), nil)
			}
			roundTrips(b, dial(b, c.Broker(0)))
		})
	}
}

// roundTrips sends the same Heartbeat again and again.
func roundTrips(b *testing.B, c *client) {
	req := heartbeat("g")
	req.SetVersion(3)
	frame := wire.AppendRequest(nil, wire.Header{ClientID: &c.id}, req)
	ask[*kmsg.HeartbeatResponse](c, req, 3)
	answer := make([]byte, 4+4+6)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.nc.Write(frame); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(c.in, answer); err != nil {
			b.Fatal(err)
		}
	}
}
