// Features: what the cluster can do, and at which level it does it (KIP-584).

package state

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A feature has the levels from min to max. Level 0 is the feature switched
// off.
type feature struct {
	name     string
	min, max int16
}

const metadataVersion = "metadata.version"

// metadataLevels are the highest levels of metadata.version, by the version of
// Kafka they came with; the newest first.
var metadataLevels = []struct {
	major, minor int
	level        int16
}{
	{4, 1, 27}, {4, 0, 25}, {3, 9, 21}, {3, 8, 20}, {3, 7, 19}, {3, 6, 14}, {3, 5, 11}, {3, 4, 8}, {3, 3, 7},
}

// metadataChanges are the levels of metadata.version with which the records of
// the controllers' log changed: there is no way back over one of them.
var metadataChanges = []int16{3, 5, 6, 7, 8, 11, 13, 14, 15, 17, 23}

// losesMetadata reports whether going down would lose some of the log.
func losesMetadata(from, to int16) bool {
	return slices.ContainsFunc(metadataChanges, func(level int16) bool { return to < level && level <= from })
}

// features are those of the Kafka that the cluster appears as: none before
// 3.3, where KRaft was first fit for use. Share groups and eligible leader
// replicas, which are not served, are left out.
func (c *Cluster) features() []feature {
	if c.persona.before(3, 3) {
		return nil
	}
	metadata := feature{metadataVersion, 1, 0}
	for _, l := range metadataLevels {
		if !c.persona.before(l.major, l.minor) {
			metadata.max = l.level
			break
		}
	}
	if !c.persona.before(4, 0) {
		metadata.min = 7
		return []feature{
			{"group.version", 0, 1}, {"kraft.version", 0, 1}, metadata, {"transaction.version", 0, 2},
		}
	}
	if !c.persona.before(3, 9) {
		return []feature{{"kraft.version", 0, 1}, metadata}
	}
	return []feature{metadata}
}

// featureLevel returns the level that holds: at first the highest.
func (c *Cluster) featureLevel(f feature) int16 {
	if level, ok := c.admin.features[f.name]; ok {
		return level
	}
	return f.max
}

// tellFeatures adds the features to an answer to ApiVersions. Up to version 3
// clients cannot read features that begin at level 0 (KAFKA-17011).
func (c *Cluster) tellFeatures(resp *kmsg.ApiVersionsResponse) {
	if resp.Version < 3 {
		return
	}
	for _, f := range c.features() {
		if f.min > 0 || resp.Version > 3 {
			supported := kmsg.NewApiVersionsResponseSupportedFeature()
			supported.Name, supported.MinVersion, supported.MaxVersion = f.name, f.min, f.max
			resp.SupportedFeatures = append(resp.SupportedFeatures, supported)
		}
		if level := c.featureLevel(f); level > 0 {
			finalized := kmsg.NewApiVersionsResponseFinalizedFeature()
			finalized.Name, finalized.MinVersionLevel, finalized.MaxVersionLevel = f.name, level, level
			resp.FinalizedFeatures = append(resp.FinalizedFeatures, finalized)
		}
	}
	if len(resp.FinalizedFeatures) > 0 {
		resp.FinalizedFeaturesEpoch = c.metadataOffset() + int64(len(c.admin.features))
	}
}

func featureAPIs() []api {
	return []api{serves(kmsg.UpdateFeatures, 0, 2, (*Cluster).updateFeatures)}
}

// The ways of changing a feature's level.
const (
	upgrade         = 1
	safeDowngrade   = 2
	unsafeDowngrade = 3
)

// updateFeatures changes levels: before Kafka 4.0 each for itself, since then
// all or none, whatever the version of the request (KIP-1022).
func (c *Cluster) updateFeatures(x *call.Call, req *kmsg.UpdateFeaturesRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.UpdateFeaturesResponse)
	if !x.AllowsCluster(kmsg.ACLOperationAlter) {
		refused := call.Refuse(kerr.ClusterAuthorizationFailed, "")
		resp.ErrorCode, resp.ErrorMessage = refused.Code(), refused.Message()
		return resp
	}
	levels := map[string]int16{}
	for i := range req.FeatureUpdates {
		asked := &req.FeatureUpdates[i]
		refused := c.checkLevel(req.Version, asked)
		if refused == nil {
			levels[asked.Feature] = asked.MaxVersionLevel
		} else if !c.persona.before(4, 0) {
			resp.ErrorCode = refused.Code()
			resp.ErrorMessage = kmsg.StringPtr("The update failed for all features since the following feature " +
				"had an error: " + *refused.Message())
			return resp
		}
		result := kmsg.NewUpdateFeaturesResponseResult()
		result.Feature, result.ErrorCode, result.ErrorMessage = asked.Feature, refused.Code(), refused.Message()
		resp.Results = append(resp.Results, result)
	}
	if !req.ValidateOnly {
		c.setLevels(levels)
	}
	return resp
}

func (c *Cluster) setLevels(levels map[string]int16) {
	if c.admin.features == nil {
		c.admin.features = map[string]int16{}
	}
	for name, level := range levels {
		c.admin.features[name] = level
	}
}

// checkLevel refuses levels that do not exist, and going down without saying
// so.
func (c *Cluster) checkLevel(version int16, asked *kmsg.UpdateFeaturesRequestFeatureUpdate) *call.Refusal {
	wrong := func(why string) *call.Refusal {
		return call.Refuse(kerr.InvalidUpdateVersion, fmt.Sprintf("Invalid update version %d for feature %s. %s",
			asked.MaxVersionLevel, asked.Feature, why))
	}
	kind := asked.UpgradeType
	if version == 0 {
		kind = upgrade
		if asked.AllowDowngrade {
			kind = safeDowngrade
		}
	}
	f, known := c.feature(asked.Feature)
	switch now := c.featureLevel(f); {
	case kind != upgrade && kind != safeDowngrade && kind != unsafeDowngrade:
		return wrong("The controller does not support the given upgrade type.")
	case asked.MaxVersionLevel < 0:
		return wrong("A feature version cannot be less than 0.")
	case !known:
		return wrong("Local controller " + strconv.Itoa(int(c.controller)) + " does not support this feature.")
	case asked.MaxVersionLevel < f.min || asked.MaxVersionLevel > f.max:
		return wrong(fmt.Sprintf("Local controller %d only supports versions %d-%d", c.controller, f.min, f.max))
	case asked.MaxVersionLevel < now && kind == upgrade:
		return wrong("Can't downgrade the version of this feature without setting the upgrade type to either " +
			"safe or unsafe downgrade.")
	case asked.MaxVersionLevel > now && kind != upgrade:
		return wrong("Can't downgrade to a newer version.")
	case f.name == metadataVersion && losesMetadata(now, asked.MaxVersionLevel):
		why := "Refusing to perform the requested downgrade because it might delete metadata information."
		if kind == unsafeDowngrade {
			why = "Unsafe metadata downgrade is not supported in this version."
		}
		return call.Refuse(kerr.InvalidUpdateVersion,
			fmt.Sprintf("Invalid metadata.version %d. %s", asked.MaxVersionLevel, why))
	case asked.MaxVersionLevel < now && f.name == "kraft.version":
		return wrong("The kraft.version cannot be downgraded.")
	}
	return nil
}

// feature finds a feature by name.
func (c *Cluster) feature(name string) (feature, bool) {
	for _, f := range c.features() {
		if f.name == name {
			return f, true
		}
	}
	return feature{name: name}, false
}
