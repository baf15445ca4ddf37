// Endpoints: how callers reach brokers.

package state

import (
	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// An endpoint is how a caller reaches a broker.
type endpoint struct {
	host string
	port int32
	rack *string
}

// reach returns how a caller reaches a broker that the cluster believes up.
func (c *Cluster) reach(x *call.Call, id int32) (endpoint, bool) {
	b, ok := c.Broker(id)
	if !ok || !c.listed(id) {
		return endpoint{}, false
	}
	host, port, ok := c.config.Endpoint(x, id)
	return endpoint{host, port, rackOf(b)}, ok
}

// rackOf returns the broker's rack, nil if it has none.
func rackOf(b *Broker) *string {
	if b.Rack == "" {
		return nil
	}
	return kmsg.StringPtr(b.Rack)
}
