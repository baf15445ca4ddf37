// Error codes.

package call

import "github.com/twmb/franz-go/pkg/kerr"

// Code returns the number of an error on the wire; 0 if it is nil.
func Code(err *kerr.Error) int16 {
	if err == nil {
		return 0
	}
	return err.Code
}
