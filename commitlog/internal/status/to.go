// From the log's errors to statuses.

package status

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"

	"github.com/rehearse-go/rehearse/commitlog"
	"github.com/rehearse-go/rehearse/commitlog/wal"
)

// NotFound is the code of an offset outside the log: that of HTTP, as the
// original of this service has it, and none of gRPC's own.
const NotFound codes.Code = 404

// domain is that of every ErrorInfo of ours.
const domain = "commitlog"

// The reasons in an ErrorInfo.
const (
	outOfRange    = "OFFSET_OUT_OF_RANGE"
	notLeader     = "NOT_LEADER"
	uncertain     = "UNCERTAIN"
	superseded    = "SUPERSEDED"
	latched       = "LATCHED"
	full          = "FULL"
	wrongCluster  = "WRONG_CLUSTER"
	wrongSequence = "WRONG_SEQUENCE"
	tooLarge      = "TOO_LARGE"
	closed        = "CLOSED"
	corrupt       = "CORRUPT"
)

// maxText is how many bytes of an error's text travel: they go in a header,
// whose size peers limit.
const maxText = 1024

// A fault is how one error travels.
type fault struct {
	code   codes.Code
	reason string
	fields map[string]string
}

// ToStatus returns err as a gRPC status, nil for nil. What is a status already
// stays as it is. If canonical, an offset outside the log has the code
// OutOfRange, else [NotFound].
func ToStatus(err error, canonical bool) error {
	if err == nil {
		return nil
	}
	var already interface{ GRPCStatus() *grpcstatus.Status }
	if errors.As(err, &already) {
		return grpcstatus.Convert(err).Err()
	}
	f, ok := faultOf(err)
	if !ok {
		return grpcstatus.Error(plainCode(err), clip(err.Error()))
	}
	details := []protoadapt.MessageV1{&errdetails.ErrorInfo{Reason: f.reason, Domain: domain, Metadata: f.fields}}
	if f.reason == outOfRange {
		text := fmt.Sprintf("There is no record of offset %s in the log.", f.fields["offset"])
		details = []protoadapt.MessageV1{&errdetails.LocalizedMessage{Locale: "en-US", Message: text}, details[0]}
		if canonical {
			f.code = codes.OutOfRange
		}
	}
	st, detailed := grpcstatus.New(f.code, clip(err.Error())).WithDetails(details...)
	if detailed != nil { // the details do not marshal: unreachable, since clip keeps text valid
		return grpcstatus.Error(f.code, clip(err.Error()))
	}
	return st.Err()
}

// plainCode is the code of an error that has no detail.
func plainCode(err error) codes.Code {
	switch {
	case errors.Is(err, context.Canceled):
		return codes.Canceled
	case errors.Is(err, context.DeadlineExceeded):
		return codes.DeadlineExceeded
	default:
		return codes.Internal
	}
}

// faultOf finds the log's own error in err. An uncertain outcome comes first:
// it may wrap any other, none of which says that the batch may be in the log.
func faultOf(err error) (fault, bool) {
	var unsure commitlog.Uncertain
	if errors.As(err, &unsure) {
		fields := numbers{"offset": unsure.Pos.Offset, "index": unsure.Pos.Index, "term": unsure.Pos.Term}.text()
		maps.Copy(fields, leaderFields(unsure.Leader))
		fields["why"] = textOf(unsure.Why)
		return fault{codes.Unknown, uncertain, fields}, true
	}
	if f, ok := faultOfEntry(err); ok {
		return f, true
	}
	return faultOfNode(err)
}

// faultOfEntry finds errors about what was asked for.
func faultOfEntry(err error) (fault, bool) {
	var (
		outside commitlog.OffsetOutOfRange
		gone    commitlog.Superseded
		skipped commitlog.WrongSequence
		large   commitlog.TooLarge
		damaged *wal.Corrupt
	)
	switch {
	case errors.As(err, &outside):
		return fault{NotFound, outOfRange,
			numbers{"offset": outside.Offset, "low": outside.Low, "next": outside.Next}.text()}, true
	case errors.As(err, &gone):
		return fault{codes.Aborted, superseded,
			numbers{"index": gone.Index, "term": gone.Term, "by": gone.By}.text()}, true
	case errors.As(err, &skipped):
		return fault{codes.FailedPrecondition, wrongSequence,
			numbers{"producer": skipped.Producer, "sequence": skipped.Sequence, "last": skipped.Last}.text()}, true
	case errors.As(err, &large):
		return fault{codes.InvalidArgument, tooLarge,
			numbers{"bytes": uint64(large.Bytes), "limit": uint64(large.Limit)}.text()}, true
	case errors.As(err, &damaged):
		fields := numbers{"pos": uint64(damaged.Pos), "index": damaged.Index, "offset": damaged.Offset}.text()
		fields["segment"], fields["why"] = clip(damaged.Segment), clip(damaged.Why)
		return fault{codes.DataLoss, corrupt, fields}, true
	default:
		return fault{}, false
	}
}

// faultOfNode finds errors about the node that was asked.
func faultOfNode(err error) (fault, bool) {
	var (
		elsewhere commitlog.NotLeader
		broken    commitlog.Latched
		noRoom    commitlog.Full
		other     commitlog.WrongCluster
	)
	switch {
	case errors.As(err, &elsewhere):
		return fault{codes.Unavailable, notLeader, leaderFields(elsewhere.Leader)}, true
	case errors.As(err, &broken):
		return fault{codes.Unavailable, latched, map[string]string{"why": textOf(broken.Why)}}, true
	case errors.As(err, &noRoom):
		return fault{codes.ResourceExhausted, full, map[string]string{"why": textOf(noRoom.Why)}}, true
	case errors.As(err, &other):
		return fault{codes.FailedPrecondition, wrongCluster, map[string]string{
			"what": clip(other.What), "want": clip(other.Want), "have": clip(other.Have)}}, true
	case errors.Is(err, commitlog.ErrClosed):
		return fault{codes.Unavailable, closed, nil}, true
	default:
		return fault{}, false
	}
}

// numbers are fields of an error.
type numbers map[string]uint64

func (n numbers) text() map[string]string {
	fields := make(map[string]string, len(n))
	for name, v := range n {
		fields[name] = strconv.FormatUint(v, 10)
	}
	return fields
}

func leaderFields(l commitlog.Leader) map[string]string {
	fields := numbers{"leader_term": l.Term, "leader_gen": l.Gen}.text()
	fields["leader_id"], fields["leader_addr"] = clip(l.ID), clip(l.Addr)
	return fields
}

// textOf returns what err says, "" if there is none.
func textOf(err error) string {
	if err == nil {
		return ""
	}
	return clip(err.Error())
}

// clip makes s fit to travel.
func clip(s string) string {
	if len(s) > maxText {
		s = s[:maxText] + "…"
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
