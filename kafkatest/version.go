// Which APIs a cluster serves, in which versions.

package kafkatest

import (
	"fmt"
	"slices"

	"github.com/rehearse-go/rehearse/kafkatest/internal/wire"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// versions returns which versions of an API are served; false if none are.
func (c *Cluster) versions(key int16) (lowest, highest int16, ok bool) {
	if c.state != nil {
		if key == int16(kmsg.GetTelemetrySubscriptions) || key == int16(kmsg.PushTelemetry) {
			c.mu.Lock() // they alone depend on settings that change
			defer c.mu.Unlock()
		}
		return c.state.Versions(key)
	}
	req := kmsg.RequestForKey(key)
	if req == nil {
		return 0, 0, false
	}
	return c.caps(key, 0, req.MaxVersion())
}

// betweenBrokers are APIs that no client uses: a scripted broker serves them
// if it is told to, and does not say so.
var betweenBrokers = []kmsg.Key{
	kmsg.LeaderAndISR, kmsg.StopReplica, kmsg.UpdateMetadata, kmsg.ControlledShutdown, kmsg.WriteTxnMarkers,
	kmsg.Vote, kmsg.BeginQuorumEpoch, kmsg.EndQuorumEpoch, kmsg.AlterPartition, kmsg.Envelope, kmsg.FetchSnapshot,
	kmsg.BrokerRegistration, kmsg.BrokerHeartbeat, kmsg.AllocateProducerIDs, kmsg.ControllerRegistration,
	kmsg.AssignReplicasToDirs, kmsg.InitializeShareGroupState, kmsg.ReadShareGroupState,
	kmsg.WriteShareGroupState, kmsg.DeleteShareGroupState, kmsg.ReadShareGroupStateSummary,
}

// listVersions returns the answer to ApiVersions v0.
func (c *Cluster) listVersions() *kmsg.ApiVersionsResponse {
	r := kmsg.NewPtrApiVersionsResponse()
	for key := range int16(kmsg.MaxKey + 1) {
		if c.state == nil && slices.Contains(betweenBrokers, kmsg.Key(key)) {
			continue
		}
		if lowest, highest, ok := c.versions(key); ok {
			k := kmsg.NewApiVersionsResponseApiKey()
			k.ApiKey, k.MinVersion, k.MaxVersion = key, lowest, highest
			r.ApiKeys = append(r.ApiKeys, k)
		}
	}
	return r
}

// beyondApiVersions answers a request for versions in a version that is not
// served as KIP-511 has it: in version 0, with the error and the versions of
// this one request.
func (c *Cluster) beyondApiVersions(h wire.Header) (kmsg.Response, bool) {
	if h.Key != int16(kmsg.ApiVersions) {
		return nil, false
	}
	lowest, highest, _ := c.versions(h.Key)
	if 0 <= h.Version && h.Version <= highest {
		return nil, false
	}
	r, k := kmsg.NewPtrApiVersionsResponse(), kmsg.NewApiVersionsResponseApiKey()
	k.ApiKey, k.MinVersion, k.MaxVersion = h.Key, lowest, highest
	r.ErrorCode, r.ApiKeys = kerr.UnsupportedVersion.Code, append(r.ApiKeys, k)
	return r, true
}

// served says why a request is not answered at all, if so.
func (c *Cluster) served(h wire.Header) error {
	lowest, highest, ok := c.versions(h.Key)
	switch {
	case !ok:
		return fmt.Errorf("%s is not served", h.Name())
	case h.Version < lowest || h.Version > highest:
		return fmt.Errorf("%s is not served; versions %d to %d are", h.Name(), lowest, highest)
	}
	return nil
}
