// What a program that used the original sees.

package grpcreplay_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"path/filepath"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	pb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/rehearse-go/rehearse/compat/grpcreplay"
	rehearse "github.com/rehearse-go/rehearse/grpcreplay"
)

type (
	recorder = grpcreplay.Recorder
	replayer = grpcreplay.Replayer
)

// The original's API, by the signatures that programs rely on.
var (
	_ func(string, *grpcreplay.RecorderOptions) (*recorder, error)    = grpcreplay.NewRecorder
	_ func(io.Writer, *grpcreplay.RecorderOptions) (*recorder, error) = grpcreplay.NewRecorderWriter
	_ func(*recorder, []byte)                                         = (*recorder).SetInitial
	_ func(*recorder) []grpc.DialOption                               = (*recorder).DialOptions
	_ func(*recorder) error                                           = (*recorder).Close
	_ grpc.UnaryClientInterceptor                                     = new(recorder).InterceptUnary
	_ grpc.StreamClientInterceptor                                    = new(recorder).InterceptStream
	_ func(string, *grpcreplay.ReplayerOptions) (*replayer, error)    = grpcreplay.NewReplayer
	_ func(io.Reader, *grpcreplay.ReplayerOptions) (*replayer, error) = grpcreplay.NewReplayerReader
	_ func(*replayer) (*grpc.ClientConn, error)                       = (*replayer).Connection
	_ func(*replayer) []byte                                          = (*replayer).Initial
	_ func(*replayer) error                                           = (*replayer).Close
	_ grpc.UnaryClientInterceptor                                     = new(replayer).InterceptUnary
	_ grpc.StreamClientInterceptor                                    = new(replayer).InterceptStream
	_ func(io.Writer, string) error                                   = grpcreplay.Fprint
	_ func(io.Writer, io.Reader) error                                = grpcreplay.FprintReader

	_ = grpcreplay.RecorderOptions{Initial: []byte{}, BeforeWrite: before("x"), Text: true}
	_ = grpcreplay.ReplayerOptions{BeforeMatch: before("x")}
)

// before returns a callback that sets the name in requests.
func before(name string) func(string, proto.Message) error {
	return func(_ string, m proto.Message) error {
		if r, is := m.(*pb.HealthCheckRequest); is {
			r.Service = name
		}
		return nil
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// ward is a health service where everybody is well.
type ward struct{ pb.UnimplementedHealthServer }

func (ward) Check(context.Context, *pb.HealthCheckRequest) (*pb.HealthCheckResponse, error) {
	return &pb.HealthCheckResponse{Status: pb.HealthCheckResponse_SERVING}, nil
}

func (ward) Watch(_ *pb.HealthCheckRequest, ss pb.Health_WatchServer) error {
	return ss.Send(&pb.HealthCheckResponse{Status: pb.HealthCheckResponse_SERVING})
}

// record makes a recording of one call and one stream, for somebody.
func record(t *testing.T, opts *grpcreplay.RecorderOptions, prepare func(*grpcreplay.Recorder)) []byte {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	s := grpc.NewServer()
	pb.RegisterHealthServer(s, ward{})
	go s.Serve(l)
	t.Cleanup(s.Stop)

	var b bytes.Buffer
	rec, err := grpcreplay.NewRecorderWriter(&b, opts)
	must(t, err)
	if prepare != nil {
		prepare(rec)
	}
	cc, err := grpc.NewClient(l.Addr().String(),
		append(rec.DialOptions(), grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	must(t, err)
	t.Cleanup(func() { cc.Close() })
	must(t, ask(cc, "somebody"))
	must(t, watch(cc))
	must(t, rec.Close())
	return b.Bytes()
}

func ask(cc *grpc.ClientConn, name string) error {
	_, err := pb.NewHealthClient(cc).Check(context.Background(), &pb.HealthCheckRequest{Service: name})
	return err
}

// watch asks until the end.
func watch(cc *grpc.ClientConn) error {
	w, err := pb.NewHealthClient(cc).Watch(context.Background(), &pb.HealthCheckRequest{})
	if err != nil {
		return err
	}
	if _, err := w.Recv(); err != nil {
		return err
	}
	if _, err := w.Recv(); err != io.EOF {
		return errors.Join(errors.New("the stream does not end"), err)
	}
	return nil
}

// replay returns a replayer of a recording, and a connection to it.
func replay(t *testing.T, recording []byte, opts *grpcreplay.ReplayerOptions) (*grpcreplay.Replayer, *grpc.ClientConn) {
	t.Helper()
	rep, err := grpcreplay.NewReplayerReader(bytes.NewReader(recording), opts)
	must(t, err)
	t.Cleanup(func() { rep.Close() })
	cc, err := rep.Connection()
	must(t, err)
	return rep, cc
}

func TestAProgramIsRecordedAndReplayed(t *testing.T) {
	for _, opts := range []*grpcreplay.RecorderOptions{nil, {Initial: []byte("seed")}, {Text: true}} {
		rep, cc := replay(t, record(t, opts, nil), nil)
		if want := opts != nil && opts.Initial != nil; want != (string(rep.Initial()) == "seed") {
			t.Errorf("the initial bytes are %q", rep.Initial())
		}
		must(t, ask(cc, "somebody"))
		must(t, watch(cc))
		must(t, rep.Check())
	}
}

func TestTheInitialBytesMayComeLate(t *testing.T) {
	var late *grpcreplay.Recorder
	recording := record(t, &grpcreplay.RecorderOptions{Initial: []byte("early")}, func(rec *grpcreplay.Recorder) {
		rec.SetInitial([]byte("late"))
		late = rec
	})
	if rep, _ := replay(t, recording, nil); string(rep.Initial()) != "late" {
		t.Errorf("the initial bytes are %q", rep.Initial())
	}
	defer func() {
		if recover() == nil {
			t.Error("after Close they are set, and nobody is told that it is too late")
		}
	}()
	late.SetInitial(nil)
}

func TestCallbacksChangeWhatIsSavedAndMatched(t *testing.T) {
	recording := record(t, &grpcreplay.RecorderOptions{BeforeWrite: before("x")}, nil)
	if bytes.Contains(recording, []byte("somebody")) {
		t.Errorf("what the callback took out is saved:\n%s", recording)
	}
	_, cc := replay(t, recording, &grpcreplay.ReplayerOptions{BeforeMatch: before("x")})
	must(t, ask(cc, "anybody"))
	_, cc = replay(t, recording, nil)
	if err := ask(cc, "somebody"); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("without the callback the call finds %v", err)
	}
}

func TestTheInterceptorsCanBeUsedAlone(t *testing.T) {
	recording := record(t, nil, nil)
	rep, _ := replay(t, recording, nil)
	cc, err := grpc.NewClient("passthrough:///nowhere", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithUnaryInterceptor(rep.InterceptUnary), grpc.WithStreamInterceptor(rep.InterceptStream))
	must(t, err)
	defer cc.Close()
	must(t, ask(cc, "somebody"))
	must(t, watch(cc))
}

func TestCloseIsSilentAndCheckIsNot(t *testing.T) {
	rep, _ := replay(t, record(t, nil, nil), nil)
	must(t, rep.Close())
	if unused, is := errors.AsType[*rehearse.UnusedError](rep.Check()); !is || len(unused.Calls) != 2 {
		t.Errorf("Check does not tell of the two calls left over: %v", rep.Check())
	}
}

func TestRecordingsOfTheOriginalAreReplayed(t *testing.T) {
	for _, name := range []string{"grpcreplay.replay", "grpcreplay.txt"} {
		rep, err := grpcreplay.NewReplayer(
			filepath.Join("../../grpcreplay/internal/foreign/testdata", name), &grpcreplay.ReplayerOptions{})
		must(t, err)
		defer rep.Close()
		cc, err := rep.Connection()
		must(t, err)
		out := new(structpb.Struct)
		must(t, cc.Invoke(t.Context(), "/sample.v1.Store/Get", wrapperspb.String("one"), out))
		if out.AsMap()["nth"] != 1. || string(rep.Initial()) != "initial \x00" {
			t.Errorf("%s: the answer is %v, the initial bytes %q", name, out, rep.Initial())
		}
	}
}

func TestARecordingIsPrinted(t *testing.T) {
	recording := record(t, nil, nil)
	var printed bytes.Buffer
	must(t, grpcreplay.FprintReader(&printed, bytes.NewReader(recording)))
	if !bytes.Equal(printed.Bytes(), recording) {
		t.Errorf("what is text already is printed as\n%s", &printed)
	}
	if err := grpcreplay.Fprint(io.Discard, filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a file that is not there is printed")
	}
}
