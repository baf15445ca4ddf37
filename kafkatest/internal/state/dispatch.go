// Dispatch: which APIs there are, in which versions, and who answers them.

package state

import (
	"cmp"
	"slices"

	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A handler answers one request. It returns nil if it parked the request, or
// if the request has no answer.
type handler func(*call.Call, kmsg.Request) kmsg.Response

// An api is one request with the versions that are implemented.
type api struct {
	key      kmsg.Key
	min, max int16
	handle   handler
}

// serves makes an api of a method that takes the request by its own type.
func serves[R kmsg.Request](key kmsg.Key, lowest, highest int16, f func(*call.Call, R) kmsg.Response) api {
	return api{key, lowest, highest, func(c *call.Call, r kmsg.Request) kmsg.Response { return f(c, r.(R)) }}
}

// apis lists every API that is served, family by family.
func (c *Cluster) apis() []api {
	return slices.Concat(
		c.metadataAPIs(),
		c.coordinatorAPIs(),
		c.groupAPIs(),
		c.txnAPIs(),
		c.securityAPIs(),
		c.logAPIs(),
		c.adminAPIs(),
	)
}

func (c *Cluster) register() {
	c.served = slices.Clip(c.apis())
	slices.SortFunc(c.served, func(a, b api) int { return cmp.Compare(a.key, b.key) })
}

// find returns the API with a key.
func (c *Cluster) find(key int16) (a api, ok bool) {
	at, ok := slices.BinarySearchFunc(c.served, key, func(a api, key int16) int { return cmp.Compare(int16(a.key), key) })
	if !ok {
		return api{}, false
	}
	return c.served[at], true
}

// Versions returns which versions of an API are served, as this cluster's
// version of Kafka would; false if none are.
func (c *Cluster) Versions(key int16) (lowest, highest int16, ok bool) {
	a, ok := c.find(key)
	if !ok {
		return 0, 0, false
	}
	if a.key == kmsg.GetTelemetrySubscriptions || a.key == kmsg.PushTelemetry {
		if !c.takesMetrics() {
			return 0, 0, false
		}
	}
	return c.persona.cap(key, a.min, a.max)
}

// Handle answers a request whose version is served, at the present that the
// agenda was last moved to. A nil response means that the request was parked,
// or has none.
func (c *Cluster) Handle(x *call.Call, req kmsg.Request) kmsg.Response {
	c.authorize(x)
	a, _ := c.find(req.Key())
	return a.handle(x, req)
}
