// What goes wrong, as HTTP and JSON tell it.

package gateway

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/rehearse-go/rehearse/commitlog/internal/status"
)

// A refusal is an error of the request's, before the log comes into it.
type refusal struct {
	code    int
	reason  string
	message string
}

func (r refusal) Error() string { return r.message }

// senseless is a refusal of what makes no sense.
func senseless(format string, args ...any) error {
	return refusal{http.StatusBadRequest, "INVALID_ARGUMENT", fmt.Sprintf(format, args...)}
}

// errorOf returns what is wrong with a number, without the number.
func errorOf(err error) error {
	if wrong := new(strconv.NumError); errors.As(err, &wrong) {
		return wrong.Err
	}
	return err
}

// authorize asks whether the sender may do something.
func (g gateway) authorize(r *http.Request, action string) error {
	err := g.config.Authorize(r, action)
	if err == nil {
		return nil
	}
	if _, ok := grpcstatus.FromError(err); ok {
		return err
	}
	return grpcstatus.Error(codes.PermissionDenied, err.Error())
}

// statuses are HTTP's for gRPC's codes; others are 500.
var statuses = map[codes.Code]int{
	codes.InvalidArgument:    http.StatusBadRequest,
	codes.Unauthenticated:    http.StatusUnauthorized,
	codes.PermissionDenied:   http.StatusForbidden,
	codes.OutOfRange:         http.StatusNotFound,
	codes.FailedPrecondition: http.StatusConflict,
	codes.Aborted:            http.StatusConflict,
	codes.Canceled:           499, // as nginx has it: nobody reads the answer
	codes.Unavailable:        http.StatusServiceUnavailable,
	codes.DeadlineExceeded:   http.StatusGatewayTimeout,
	codes.ResourceExhausted:  http.StatusInsufficientStorage,
}

// A failure is an error, as it travels.
type failure struct {
	Code    string            `json:"code"`
	Message string            `json:"message"`
	Details map[string]string `json:"details,omitempty"`
}

// writeError answers with an error.
func writeError(w http.ResponseWriter, err error) {
	if refused, ok := err.(refusal); ok {
		write(w, refused.code, map[string]failure{"error": {Code: refused.reason, Message: refused.message}})
		return
	}
	st := grpcstatus.Convert(status.ToStatus(err, true))
	told := failure{Code: st.Code().String(), Message: st.Message()}
	for _, d := range st.Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok {
			told.Code, told.Details = info.Reason, info.Metadata
		}
	}
	code, ok := statuses[st.Code()]
	if !ok {
		code = http.StatusInternalServerError
	}
	if told.Code == "TOO_LARGE" {
		code = http.StatusRequestEntityTooLarge
	}
	write(w, code, map[string]failure{"error": told})
}
