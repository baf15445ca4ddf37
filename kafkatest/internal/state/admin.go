// The admin APIs: what they share, and the list of them.

package state

import (
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
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

// A refusal is an error code with the sentence that explains it.
type refusal struct {
	err *kerr.Error
	why string
}

// refuse makes a refusal; if why is "", Kafka's own sentence for the code.
func refuse(err *kerr.Error, why string) *refusal {
	if why == "" {
		why = err.Description
	}
	return &refusal{err, why}
}

// code returns the code of a refusal, 0 for none.
func (r *refusal) code() int16 {
	if r == nil {
		return 0
	}
	return r.err.Code
}

// message returns the sentence of a refusal, nil for none.
func (r *refusal) message() *string {
	if r == nil {
		return nil
	}
	return &r.why
}
