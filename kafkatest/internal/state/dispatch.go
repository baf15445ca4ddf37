// Dispatch: which APIs there are, in which versions, and who answers them.

package state

import (
	"slices"

	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A handler answers one request. It returns nil if it parked the request, or
// if the request has no answer.
type handler func(*Cluster, *call.Call, kmsg.Request) kmsg.Response

// An api is one request with the versions that are implemented.
type api struct {
	key      kmsg.Key
	min, max int16
	handle   handler // nil of a request that is not served
}

// serves makes an api of a method that takes the request by its own type.
func serves[R kmsg.Request](key kmsg.Key, lowest, highest int16, f func(*Cluster, *call.Call, R) kmsg.Response) api {
	return api{key, lowest, highest, func(c *Cluster, x *call.Call, r kmsg.Request) kmsg.Response {
		return f(c, x, r.(R))
	}}
}

// by makes a method of a part of the cluster into one of the whole.
func by[P any, R kmsg.Request](
	part func(*Cluster) P, f func(P, *call.Call, R) kmsg.Response,
) func(*Cluster, *call.Call, R) kmsg.Response {
	return func(c *Cluster, x *call.Call, r R) kmsg.Response { return f(part(c), x, r) }
}

// An apiTable has every API at its key.
type apiTable [kmsg.MaxKey + 1]api

// served is what every cluster serves, made once for all.
var served = newTable(
	metadataAPIs(),
	coordinatorAPIs(),
	groupAPIs(),
	txnAPIs(),
	securityAPIs(),
	logAPIs(),
	adminAPIs(),
)

func newTable(families ...[]api) *apiTable {
	t := new(apiTable)
	for _, a := range slices.Concat(families...) {
		t[a.key] = a
	}
	return t
}

// find returns the API with a key; false if it is not served.
func (t *apiTable) find(key int16) (a api, ok bool) {
	if key < 0 || int(key) >= len(t) {
		return a, false
	}
	return t[key], t[key].handle != nil
}

// Versions returns which versions of an API are served, as this cluster's
// version of Kafka would; false if none are.
func (c *Cluster) Versions(key int16) (lowest, highest int16, ok bool) {
	a, ok := c.served.find(key)
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
	a, _ := c.served.find(req.Key())
	return a.handle(c, x, req)
}
