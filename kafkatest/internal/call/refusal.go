// Refusals: an error code with the sentence that explains it.

package call

import "github.com/twmb/franz-go/pkg/kerr"

// A Refusal is why a request, or a part of it, is not granted; nil if it is.
type Refusal struct {
	err *kerr.Error
	why string
}

// Refuse makes a refusal; if why is "", with Kafka's own sentence for the code.
func Refuse(err *kerr.Error, why string) *Refusal {
	if why == "" {
		why = err.Description
	}
	return &Refusal{err, why}
}

// Code returns the error's number on the wire; 0 if nothing is refused.
func (r *Refusal) Code() int16 {
	if r == nil {
		return 0
	}
	return r.err.Code
}

// Message returns the sentence; nil if nothing is refused.
func (r *Refusal) Message() *string {
	if r == nil {
		return nil
	}
	return &r.why
}

// Code returns the number of an error on the wire; 0 if it is nil.
func Code(err *kerr.Error) int16 {
	if err == nil {
		return 0
	}
	return err.Code
}
