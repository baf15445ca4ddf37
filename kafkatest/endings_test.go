// Connections that end at one instant.

package kafkatest_test

import (
	"context"
	"fmt"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/kafkatest"
	"github.com/rehearse-go/rehearse/vnettest"
)

// closed returns the connections whose end was recorded, in that order.
func closed(t *vnettest.T) (names []string) {
	for e := range t.Journal.Events(0) {
		if e.Kind == "kafka.close" {
			names = append(names, e.Subject)
		}
	}
	return names
}

func TestConnectionsThatEndTogetherAreRecordedInTheOrderTheyBegan(t *testing.T) {
	ends := map[string]func(*kafkatest.Cluster, []net.Conn){
		"by their client": func(_ *kafkatest.Cluster, conns []net.Conn) {
			for _, nc := range conns {
				nc.Close()
			}
			time.Sleep(time.Second) // virtual
		},
		"as their broker stops":   func(c *kafkatest.Cluster, _ []net.Conn) { c.Broker(0).Stop() },
		"as their cluster closes": func(c *kafkatest.Cluster, _ []net.Conn) { c.Close() },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			vnettest.Run(t, vnettest.Config{}, func(t *vnettest.T) {
				c := onNetwork(t, kafkatest.Config{})
				var conns []net.Conn
				var want []string
				for i := range 50 {
					nc, err := t.Network.Host("app").Dial(context.Background(), "tcp", "kafka:9092")
					if err != nil {
						t.Fatal(err)
					}
					conns = append(conns, nc)
					want = append(want, fmt.Sprintf("PLAINTEXT broker 0 conn %d", i+1))
				}
				time.Sleep(time.Second) // all are accepted // virtual
				end(c, conns)
				if got := closed(t); !slices.Equal(got, want) {
					t.Errorf("ended in the order %q", got)
				}
				for _, nc := range conns {
					nc.Close()
				}
			})
		})
	}
}
