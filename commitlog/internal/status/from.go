// From statuses back to the log's errors.

package status

import (
	"context"
	"errors"
	"strconv"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/rehearse-go/rehearse/commitlog"
	"github.com/rehearse-go/rehearse/commitlog/wal"
)

// A told error is one that another process has told us of. It is the log's
// error, or the context's, and the status it came in.
type told struct {
	error
	status *grpcstatus.Status
}

// Unwrap returns the error without its status.
func (t told) Unwrap() error { return t.error }

// GRPCStatus returns the status in which the error came.
func (t told) GRPCStatus() *grpcstatus.Status { return t.status }

// FromStatus returns what [ToStatus] made a status of, for errors.As and
// errors.Is: NotLeader, Uncertain, context.Canceled and so on. It keeps its
// status. What is not of this service, or makes no sense, is returned as it
// is. Errors within errors, as in Latched.Why, are text only.
func FromStatus(err error) error {
	if err == nil {
		return nil
	}
	st, ok := grpcstatus.FromError(err)
	if !ok {
		return err
	}
	if info := infoOf(st); info != nil {
		if known := known(info); known != nil {
			return told{known, st}
		}
		return err
	}
	switch st.Code() {
	case codes.Canceled:
		return told{context.Canceled, st}
	case codes.DeadlineExceeded:
		return told{context.DeadlineExceeded, st}
	default:
		return err
	}
}

// infoOf returns the detail that we add to a status, nil if there is none.
func infoOf(st *grpcstatus.Status) *errdetails.ErrorInfo {
	for _, d := range st.Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok && info.Domain == domain {
			return info
		}
	}
	return nil
}

// known makes the error that info tells of, nil if it makes no sense.
func known(info *errdetails.ErrorInfo) error {
	f := fields{text: info.Metadata}
	err := f.read(info.Reason)
	if f.wrong {
		return nil
	}
	return err
}

// fields are an error's, being read.
type fields struct {
	text  map[string]string
	wrong bool // a number was none
}

func (f *fields) read(reason string) error {
	switch reason {
	case outOfRange:
		return commitlog.OffsetOutOfRange{Offset: f.number("offset"), Low: f.number("low"), Next: f.number("next")}
	case notLeader:
		return commitlog.NotLeader{Leader: f.leader()}
	case uncertain:
		pos := commitlog.Pos{Offset: f.number("offset"), Index: f.number("index"), Term: f.number("term")}
		return commitlog.Uncertain{Pos: pos, Leader: f.leader(), Why: f.why()}
	case superseded:
		return commitlog.Superseded{Index: f.number("index"), Term: f.number("term"), By: f.number("by")}
	case latched:
		return commitlog.Latched{Why: f.why()}
	case full:
		return commitlog.Full{Why: f.why()}
	case wrongCluster:
		return commitlog.WrongCluster{What: f.text["what"], Want: f.text["want"], Have: f.text["have"]}
	case wrongSequence:
		return commitlog.WrongSequence{
			Producer: f.number("producer"), Sequence: f.number("sequence"), Last: f.number("last")}
	case tooLarge:
		return commitlog.TooLarge{Bytes: f.size("bytes"), Limit: f.size("limit")}
	case corrupt:
		return &wal.Corrupt{
			Segment: f.text["segment"], Pos: int64(f.size("pos")),
			Index: f.number("index"), Offset: f.number("offset"), Why: f.text["why"],
		}
	case closed:
		return commitlog.ErrClosed
	default:
		return nil
	}
}

func (f *fields) number(name string) uint64 {
	n, err := strconv.ParseUint(f.text[name], 10, 64)
	f.wrong = f.wrong || err != nil
	return n
}

func (f *fields) size(name string) int {
	n, err := strconv.ParseUint(f.text[name], 10, strconv.IntSize-1)
	f.wrong = f.wrong || err != nil
	return int(n)
}

func (f *fields) leader() commitlog.Leader {
	return commitlog.Leader{
		ID: f.text["leader_id"], Addr: f.text["leader_addr"],
		Term: f.number("leader_term"), Gen: f.number("leader_gen"),
	}
}

func (f *fields) why() error {
	if f.text["why"] == "" {
		return nil
	}
	return errors.New(f.text["why"])
}
