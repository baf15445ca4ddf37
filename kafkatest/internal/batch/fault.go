// A Fault: why a broker refuses records.

package batch

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
)

// A Fault is why a broker refuses what was sent, as a Produce response tells
// it.
type Fault struct {
	Err     *kerr.Error
	Message string        // for people; told from Produce v8 on
	Records []RecordFault // which records are to blame, if it is some (KIP-467)
}

// A RecordFault is what is wrong with one record.
type RecordFault struct {
	Index   int32 // in the batch
	Message string
}

// Error says what is wrong.
func (f *Fault) Error() string { return f.Err.Message + ": " + f.Message }

// Unwrap returns the Kafka error.
func (f *Fault) Unwrap() error { return f.Err }

// Refuse returns a fault with a message to the format of package fmt.
func Refuse(err *kerr.Error, format string, args ...any) *Fault {
	return &Fault{Err: err, Message: fmt.Sprintf(format, args...)}
}
