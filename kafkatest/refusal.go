// Refusals: answers that carry an error wherever an API has room for one.

package kafkatest

import (
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// refusal returns the answer to req that says err.
func refusal(req kmsg.Request, err *kerr.Error) kmsg.Response {
	return req.ResponseKind()
}
