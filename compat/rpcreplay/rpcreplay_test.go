// What a program that used the original sees.

package rpcreplay_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	pb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/rehearse-go/rehearse/compat/rpcreplay"
	"github.com/rehearse-go/rehearse/grpcreplay"
)

// The original's API, by the signatures that programs rely on.
var (
	_ func(string, []byte) (*rpcreplay.Recorder, error)                = rpcreplay.NewRecorder
	_ func(io.Writer, []byte) (*rpcreplay.Recorder, error)             = rpcreplay.NewRecorderWriter
	_ func(*rpcreplay.Recorder) []grpc.DialOption                      = (*rpcreplay.Recorder).DialOptions
	_ func(*rpcreplay.Recorder) error                                  = (*rpcreplay.Recorder).Close
	_ func(string) (*rpcreplay.Replayer, error)                        = rpcreplay.NewReplayer
	_ func(io.Reader) (*rpcreplay.Replayer, error)                     = rpcreplay.NewReplayerReader
	_ func(*rpcreplay.Replayer) []grpc.DialOption                      = (*rpcreplay.Replayer).DialOptions
	_ func(*rpcreplay.Replayer) (*grpc.ClientConn, error)              = (*rpcreplay.Replayer).Connection
	_ func(*rpcreplay.Replayer) []byte                                 = (*rpcreplay.Replayer).Initial
	_ func(*rpcreplay.Replayer, func(format string, v ...interface{})) = (*rpcreplay.Replayer).SetLogFunc
	_ func(*rpcreplay.Replayer) error                                  = (*rpcreplay.Replayer).Close
	_ func(io.Writer, string) error                                    = rpcreplay.Fprint
	_ func(io.Writer, io.Reader) error                                 = rpcreplay.FprintReader
	_ func(string, proto.Message) error                                = new(rpcreplay.Recorder).BeforeFunc
	_ func(string, proto.Message) error                                = new(rpcreplay.Replayer).BeforeFunc
)

// ward is a health service that knows two patients.
type ward struct{ pb.UnimplementedHealthServer }

func (ward) Check(_ context.Context, r *pb.HealthCheckRequest) (*pb.HealthCheckResponse, error) {
	switch r.GetService() {
	case "well":
		return &pb.HealthCheckResponse{Status: pb.HealthCheckResponse_SERVING}, nil
	case "ill":
		return &pb.HealthCheckResponse{Status: pb.HealthCheckResponse_NOT_SERVING}, nil
	}
	return nil, status.Error(codes.NotFound, "nobody knows "+r.GetService())
}

func (ward) Watch(r *pb.HealthCheckRequest, ss pb.Health_WatchServer) error {
	if err := ss.Send(&pb.HealthCheckResponse{Status: pb.HealthCheckResponse_UNKNOWN}); err != nil {
		return err
	}
	return ss.Send(&pb.HealthCheckResponse{Status: pb.HealthCheckResponse_SERVING})
}

// live returns a connection to a ward.
func live(t *testing.T, opts ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	s := grpc.NewServer()
	pb.RegisterHealthServer(s, ward{})
	go s.Serve(l)
	t.Cleanup(s.Stop)
	return dial(t, l.Addr().String(), opts...)
}

func dial(t *testing.T, target string, opts ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	cc, err := grpc.NewClient(target, append([]grpc.DialOption{
		grpc.WithTransportCredentials(insecure.NewCredentials()),
	}, opts...)...)
	must(t, err)
	t.Cleanup(func() { cc.Close() })
	return cc
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// check asks how a patient is.
func check(cc *grpc.ClientConn, name string) (pb.HealthCheckResponse_ServingStatus, error) {
	r, err := pb.NewHealthClient(cc).Check(context.Background(), &pb.HealthCheckRequest{Service: name})
	return r.GetStatus(), err
}

// round is a program: it tells what it sees.
func round(t *testing.T, cc *grpc.ClientConn) string {
	t.Helper()
	var seen strings.Builder
	for _, name := range []string{"well", "ill", "lost"} {
		s, err := check(cc, name)
		seen.WriteString(name + ": " + s.String() + " " + status.Convert(err).Message() + "\n")
	}
	w, err := pb.NewHealthClient(cc).Watch(context.Background(), &pb.HealthCheckRequest{Service: "well"})
	must(t, err)
	for {
		r, err := w.Recv()
		if err == io.EOF {
			return seen.String()
		}
		must(t, err)
		seen.WriteString("watch: " + r.GetStatus().String() + "\n")
	}
}

// recorded runs a program and returns its recording.
func recorded(t *testing.T, before func(string, proto.Message) error, run func(*grpc.ClientConn)) []byte {
	t.Helper()
	var b bytes.Buffer
	rec, err := rpcreplay.NewRecorderWriter(&b, nil)
	must(t, err)
	rec.BeforeFunc = before
	run(live(t, rec.DialOptions()...))
	must(t, rec.Close())
	return b.Bytes()
}

// replayer returns a replayer of a recording, and a connection to it.
func replayer(t *testing.T, recording []byte) (*rpcreplay.Replayer, *grpc.ClientConn) {
	t.Helper()
	rep, err := rpcreplay.NewReplayerReader(bytes.NewReader(recording))
	must(t, err)
	cc, err := rep.Connection()
	must(t, err)
	t.Cleanup(func() { rep.Close() })
	return rep, cc
}

func TestAProgramIsRecordedAndReplayed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ward.replay")
	rec, err := rpcreplay.NewRecorder(file, []byte("seed"))
	must(t, err)
	seen := round(t, live(t, rec.DialOptions()...))
	must(t, rec.Close())

	rep, err := rpcreplay.NewReplayer(file)
	must(t, err)
	if string(rep.Initial()) != "seed" {
		t.Errorf("the initial bytes are %q", rep.Initial())
	}
	// Whatever the connection is asked to dial, nothing is dialled.
	if again := round(t, dial(t, "dns:///nowhere.invalid:1", rep.DialOptions()...)); again != seen {
		t.Errorf("replayed, the program sees\n%swant\n%s", again, seen)
	}
	if err := rep.Check(); err != nil {
		t.Error(err)
	}
}

func TestWhatIsRecordedIsTextWhateverItsName(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ward.replay")
	rec, err := rpcreplay.NewRecorder(file, nil)
	must(t, err)
	round(t, live(t, rec.DialOptions()...))
	must(t, rec.Close())
	text, err := os.ReadFile(file)
	must(t, err)
	var printed bytes.Buffer
	must(t, rpcreplay.Fprint(&printed, file))
	if !bytes.Equal(printed.Bytes(), text) || !strings.Contains(string(text), `"lost"`) {
		t.Errorf("the file is\n%s\nand Fprint prints\n%s", text, &printed)
	}
}

func TestTheCallbackChangesWhatIsSavedAndNothingElse(t *testing.T) {
	before := func(_ string, m proto.Message) error {
		switch m := m.(type) {
		case *pb.HealthCheckRequest:
			m.Service = "somebody"
		case *pb.HealthCheckResponse:
			m.Status = pb.HealthCheckResponse_SERVICE_UNKNOWN
		}
		return nil
	}
	recording := recorded(t, before, func(cc *grpc.ClientConn) {
		if s, err := check(cc, "ill"); s != pb.HealthCheckResponse_NOT_SERVING {
			t.Errorf("while recording the answer is %v, %v", s, err)
		}
	})
	if bytes.Contains(recording, []byte("ill")) {
		t.Errorf("what the callback took out is saved:\n%s", recording)
	}
	rep, cc := replayer(t, recording)
	rep.BeforeFunc = before
	r := &pb.HealthCheckRequest{Service: "anybody"}
	got, err := pb.NewHealthClient(cc).Check(t.Context(), r)
	if err != nil || got.GetStatus() != pb.HealthCheckResponse_SERVICE_UNKNOWN {
		t.Errorf("replayed, the answer is %v, %v", got, err)
	}
	if r.GetService() != "anybody" {
		t.Errorf("the program's own request has become %v", r)
	}
}

var errRefused = errors.New("refused by the callback")

func TestTheCallbacksErrorIsWhatTheProgramGets(t *testing.T) {
	refuse := func(string, proto.Message) error { return errRefused }
	recording := recorded(t, refuse, func(cc *grpc.ClientConn) {
		if _, err := check(cc, "well"); !errors.Is(err, errRefused) {
			t.Errorf("recording, the call fails with %v", err)
		}
	})
	rep, cc := replayer(t, recording)
	rep.BeforeFunc = refuse
	if _, err := check(cc, "well"); !errors.Is(err, errRefused) {
		t.Errorf("replayed, the call fails with %v", err)
	}
}

func TestAnErrorForTheResponseIsTheProgramsToo(t *testing.T) {
	recorded(t, func(_ string, m proto.Message) error {
		if _, is := m.(*pb.HealthCheckResponse); is {
			return errRefused
		}
		return nil
	}, func(cc *grpc.ClientConn) {
		if _, err := check(cc, "well"); !errors.Is(err, errRefused) {
			t.Errorf("the call fails with %v", err)
		}
	})
}

func TestTheCallbackSeesNothingOfStreams(t *testing.T) {
	called := map[string]int{}
	count := func(method string, _ proto.Message) error {
		called[method]++
		return nil
	}
	recording := recorded(t, count, func(cc *grpc.ClientConn) { round(t, cc) })
	rep, cc := replayer(t, recording)
	rep.BeforeFunc = count
	round(t, cc)
	// Recorded: three requests, two responses and an error; replayed: three requests.
	if called["/grpc.health.v1.Health/Check"] != 8 || len(called) != 1 {
		t.Errorf("the callback was called for %v", called)
	}
}

func TestCloseIsSilentAndCheckIsNot(t *testing.T) {
	recording := recorded(t, nil, func(cc *grpc.ClientConn) { round(t, cc) })
	rep, cc := replayer(t, recording)
	if _, err := check(cc, "unheard of"); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("a call that is not recorded fails with %v", err)
	}
	must(t, rep.Close())
	err := rep.Check()
	if _, is := errors.AsType[*grpcreplay.MismatchError](err); !is {
		t.Errorf("Check does not tell of the call that nothing fitted: %v", err)
	}
	if unused, is := errors.AsType[*grpcreplay.UnusedError](err); !is || len(unused.Calls) != 4 {
		t.Errorf("Check does not tell of the calls left over: %v", err)
	}
}

func TestTheLogTellsDecisions(t *testing.T) {
	recording := recorded(t, nil, func(cc *grpc.ClientConn) { round(t, cc) })
	rep, cc := replayer(t, recording)
	lines := 0
	rep.SetLogFunc(func(string, ...any) { lines++ })
	_, err := check(cc, "well")
	must(t, err)
	if lines == 0 {
		t.Error("a call that was answered is not in the log")
	}
	rep.SetLogFunc(nil)
	told := lines
	_, err = check(cc, "ill")
	must(t, err)
	if lines != told {
		t.Error("a log that was taken away is written to")
	}
}

func TestTheProgramKeepsItsOwnInterceptors(t *testing.T) {
	ran := 0
	own := grpc.WithUnaryInterceptor(func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn,
		invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		ran++
		return invoke(ctx, method, req, reply, cc, opts...)
	})
	var b bytes.Buffer
	rec, err := rpcreplay.NewRecorderWriter(&b, nil)
	must(t, err)
	_, err = check(live(t, append(rec.DialOptions(), own)...), "well")
	must(t, err)
	must(t, rec.Close())
	rep, _ := replayer(t, b.Bytes())
	_, err = check(dial(t, "nowhere.invalid", append(rep.DialOptions(), own)...), "well")
	must(t, err)
	if ran != 2 {
		t.Errorf("the program's own interceptor ran %d times", ran)
	}
}

func TestARecordingOfTheOriginalsIsReplayed(t *testing.T) {
	rep, err := rpcreplay.NewReplayer("../../grpcreplay/internal/foreign/testdata/rpcreplay.replay")
	must(t, err)
	defer rep.Close()
	cc, err := rep.Connection()
	must(t, err)
	if string(rep.Initial()) != "initial \x00" {
		t.Errorf("the initial bytes are %q", rep.Initial())
	}
	for nth := range 2 {
		out := &structpb.Struct{Fields: map[string]*structpb.Value{"stale": nil}}
		must(t, cc.Invoke(t.Context(), "/sample.v1.Store/Get", wrapperspb.String("one"), out))
		if got := out.AsMap()["nth"]; got != float64(nth+1) || len(out.GetFields()) != 3 {
			t.Errorf("answer %d is %v", nth+1, out)
		}
	}
	err = cc.Invoke(t.Context(), "/sample.v1.Store/Get", wrapperspb.String("missing"), &structpb.Struct{})
	if s := status.Convert(err); s.Code() != codes.NotFound || len(s.Details()) != 1 {
		t.Errorf("the recorded error is %v with %v", err, s.Details())
	}
}

func TestWhatIsNoRecordingIsAnError(t *testing.T) {
	if _, err := rpcreplay.NewReplayer(filepath.Join(t.TempDir(), "none.replay")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	_, err := rpcreplay.NewReplayerReader(strings.NewReader("RPCReplay\xff\xff\xff\xff"))
	if _, is := errors.AsType[*grpcreplay.FormatError](err); !is {
		t.Errorf("a file with a length of 4 GiB: %v", err)
	}
	if err := rpcreplay.FprintReader(io.Discard, strings.NewReader("")); err == nil {
		t.Error("nothing at all is printed")
	}
}
