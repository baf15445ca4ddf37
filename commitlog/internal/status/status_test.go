// Errors, over the wire and back.

package status_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/rehearse-go/rehearse/commitlog"
	"github.com/rehearse-go/rehearse/commitlog/internal/status"
	"github.com/rehearse-go/rehearse/commitlog/wal"
)

var (
	leader    = commitlog.Leader{ID: "n1", Addr: "10.0.0.1:8400", Term: 7, Gen: 3}
	errBroken = errors.New("input/output error")
)

// errs are all the log's errors, each with its code.
var errs = []struct {
	err  error
	code codes.Code
}{
	{commitlog.OffsetOutOfRange{Offset: 9, Low: 2, Next: 5}, 404},
	{commitlog.NotLeader{Leader: leader}, codes.Unavailable},
	{commitlog.NotLeader{}, codes.Unavailable},
	{commitlog.Uncertain{
		Pos: commitlog.Pos{Offset: 1, Index: 2, Term: 3}, Leader: leader, Why: errBroken}, codes.Unknown},
	{commitlog.Uncertain{}, codes.Unknown},
	{commitlog.Superseded{Index: 4, Term: 5, By: 6}, codes.Aborted},
	{commitlog.Latched{Why: errBroken}, codes.Unavailable},
	{commitlog.Full{Why: errBroken}, codes.ResourceExhausted},
	{commitlog.WrongCluster{What: "a:1", Want: "x", Have: "y"}, codes.FailedPrecondition},
	{commitlog.WrongSequence{Producer: 1<<64 - 1, Sequence: 4, Last: 2}, codes.FailedPrecondition},
	{commitlog.TooLarge{Bytes: 11, Limit: 10}, codes.InvalidArgument},
	{&wal.Corrupt{Segment: "1-0.seg", Pos: 512, Index: 3, Offset: 2, Why: "checksum"}, codes.DataLoss},
	{commitlog.ErrClosed, codes.Unavailable},
	{context.Canceled, codes.Canceled},
	{context.DeadlineExceeded, codes.DeadlineExceeded},
}

func TestEveryErrorComesBackAsItWas(t *testing.T) {
	for _, c := range errs {
		for _, err := range []error{c.err, fmt.Errorf("node n2: %w", c.err)} {
			sent := status.ToStatus(err, false)
			if got := grpcstatus.Code(sent); got != c.code {
				t.Errorf("%v: code %v, want %v", err, got, c.code)
			}
			got := status.FromStatus(overTheWire(t, sent))
			if !reflect.DeepEqual(errors.Unwrap(got), c.err) {
				t.Errorf("%#v came back as %#v", c.err, errors.Unwrap(got))
			}
			if got.Error() != c.err.Error() {
				t.Errorf("%q came back saying %q", c.err, got)
			}
			if grpcstatus.Code(got) != c.code || grpcstatus.Code(status.ToStatus(got, false)) != c.code {
				t.Errorf("%v came back without its code", c.err)
			}
		}
	}
}

// overTheWire marshals a status and unmarshals it.
func overTheWire(t *testing.T, err error) error {
	t.Helper()
	b, wrong := proto.Marshal(grpcstatus.Convert(err).Proto())
	var p spb.Status
	if wrong == nil {
		wrong = proto.Unmarshal(b, &p)
	}
	if wrong != nil {
		t.Fatal(wrong)
	}
	return grpcstatus.ErrorProto(&p)
}

func TestAnOffsetOutsideTheLogIsToldAsTheOriginalDoes(t *testing.T) {
	err := commitlog.OffsetOutOfRange{Offset: 77, Next: 5}
	for canonical, want := range map[bool]codes.Code{false: 404, true: codes.OutOfRange} {
		st := grpcstatus.Convert(status.ToStatus(err, canonical))
		if st.Code() != want || !strings.Contains(st.Message(), "77") {
			t.Errorf("canonical %v: code %v, message %q", canonical, st.Code(), st.Message())
		}
		first, ok := st.Details()[0].(*errdetails.LocalizedMessage)
		if !ok || first.Locale != "en-US" || !strings.Contains(first.Message, "77") {
			t.Errorf("canonical %v: the first detail is %v", canonical, st.Details()[0])
		}
		if got := status.FromStatus(st.Err()); !errors.As(got, new(commitlog.OffsetOutOfRange)) {
			t.Errorf("canonical %v: came back as %v", canonical, got)
		}
	}
}

func TestAnUncertainOutcomeIsToldWhateverItWraps(t *testing.T) {
	for _, why := range []error{commitlog.Latched{Why: errBroken}, commitlog.NotLeader{}, context.Canceled} {
		sent := status.ToStatus(commitlog.Uncertain{Why: why}, false)
		if got := grpcstatus.Code(sent); got != codes.Unknown {
			t.Errorf("%v: code %v; a client would think that nothing was done", why, got)
		}
	}
}

func TestAnErrorOfNoKindIsInternal(t *testing.T) {
	if got := grpcstatus.Code(status.ToStatus(os.ErrInvalid, false)); got != codes.Internal {
		t.Errorf("code %v", got)
	}
}

func TestAStatusStaysAsItIs(t *testing.T) {
	denied := grpcstatus.Error(codes.PermissionDenied, "nobody may not produce")
	if got := status.ToStatus(denied, false); got.Error() != denied.Error() {
		t.Errorf("got %v", got)
	}
	if got := status.FromStatus(denied); got != denied {
		t.Errorf("got %v back", got)
	}
	if status.ToStatus(nil, false) != nil || status.FromStatus(nil) != nil {
		t.Error("no error became one")
	}
	if got := status.FromStatus(errBroken); got != errBroken {
		t.Errorf("an error that is no status came back as %v", got)
	}
}

func TestLongAndInvalidTextFitsInAHeader(t *testing.T) {
	st := grpcstatus.Convert(status.ToStatus(commitlog.Full{Why: errors.New(strings.Repeat("\xff", 1<<20))}, false))
	if n := proto.Size(st.Proto()); n > 16<<10 {
		t.Errorf("the status has %d bytes", n)
	}
	if !utf8.ValidString(st.Message()) || len(st.Details()) != 1 {
		t.Errorf("%d details, valid text %v", len(st.Details()), utf8.ValidString(st.Message()))
	}
}

func TestADetailThatMakesNoSenseIsNotBelieved(t *testing.T) {
	for _, info := range []*errdetails.ErrorInfo{
		{Domain: "commitlog", Reason: "SUPERSEDED", Metadata: map[string]string{"index": "-1", "term": "1", "by": "2"}},
		{Domain: "commitlog", Reason: "TOO_LARGE", Metadata: map[string]string{"bytes": "18446744073709551615"}},
		{Domain: "commitlog", Reason: "NOT_LEADER"},
		{Domain: "commitlog", Reason: "SOMETHING_NEW"},
		{Domain: "elsewhere", Reason: "CLOSED"},
	} {
		st, err := grpcstatus.New(codes.Aborted, "no").WithDetails(info)
		if err != nil {
			t.Fatal(err)
		}
		sent := st.Err()
		if got := status.FromStatus(sent); got != sent {
			t.Errorf("%v: came back as %#v", info, got)
		}
	}
}

func FuzzFromStatus(f *testing.F) {
	for _, c := range errs {
		b, err := proto.Marshal(grpcstatus.Convert(status.ToStatus(c.err, false)).Proto())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var p spb.Status
		if proto.Unmarshal(b, &p) != nil || p.Code == 0 {
			return
		}
		sent := grpcstatus.ErrorProto(&p)
		got := status.FromStatus(sent)
		if got == nil || got.Error() == "" && sent.Error() != "" {
			t.Fatalf("%v became %v", sent, got)
		}
		if grpcstatus.Code(got) != grpcstatus.Code(sent) {
			t.Errorf("%v lost its code: %v", sent, got)
		}
		status.ToStatus(got, true)
	})
}
