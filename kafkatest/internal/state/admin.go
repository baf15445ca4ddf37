// The admin APIs: what they share, and the list of them.

package state

import (
	"slices"
	"time"
)

// admin is what only the admin APIs keep. Any broker takes their requests, as
// KRaft's brokers forward what the controller decides.
type admin struct {
	loggers      map[int32]map[string]string // levels that were set, by broker and logger
	features     map[string]int16            // levels that were set
	reassignTime time.Duration
	telemetry    telemetry
	quorumEpoch  int32 // raised when another controller becomes the active one
}

// adminAPIs lists the admin APIs, family by family.
func adminAPIs() []api {
	return slices.Concat(
		topicAPIs(),
		configAPIs(),
		reassignmentAPIs(),
		describeAPIs(),
		logDirAPIs(),
		featureAPIs(),
		telemetryAPIs(),
	)
}
