// What is hard about the originals' recordings.

package rpcreplay_test

import (
	"bytes"
	"context"
	"io"
	"slices"
	"sync"
	"testing"

	theirrpc "cloud.google.com/go/rpcreplay"
	theirgrpc "github.com/google/go-replayers/grpcreplay"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	ourrpc "github.com/rehearse-go/rehearse/compat/rpcreplay"
	"github.com/rehearse-go/rehearse/grpcreplay"
	"github.com/rehearse-go/rehearse/interop/rpcreplay/sample"
)

// theirs are the names of the originals' recorders.
var theirs = []string{"their rpcreplay", "their grpcreplay", "their grpcreplay, text"}

// ask makes a unary call and returns how often it had been made.
func ask(ctx context.Context, conn *grpc.ClientConn, name string) (any, error) {
	out := new(structpb.Struct)
	err := conn.Invoke(ctx, sample.Get, wrapperspb.String(name), out)
	return out.AsMap()["nth"], err
}

// opened returns a connection that is answered by ours.
func opened(t *testing.T, recording []byte) (*ourrpc.Replayer, *grpc.ClientConn) {
	t.Helper()
	rep, err := ourrpc.NewReplayerReader(bytes.NewReader(recording))
	must(t, err)
	t.Cleanup(func() { rep.Close() })
	conn, err := rep.Connection()
	must(t, err)
	return rep, conn
}

// Two equal calls at once, of which the service answers the second first: on
// replay the first is answered with what was answered first.
func TestEqualCallsAreAnsweredInTheOrderOfTheirResponses(t *testing.T) {
	for _, by := range theirs {
		recording := record(t, recorders[by], func(conn *grpc.ClientConn) {
			var both sync.WaitGroup
			for range 2 {
				both.Go(func() { ask(t.Context(), conn, "turn") })
			}
			both.Wait()
		})
		want := order(t, originals["their grpcreplay"], recording)
		if got := order(t, dropIns["our rpcreplay"], recording); got != want {
			t.Errorf("%s: ours answers with %v, theirs with %v", by, got, want)
		}
	}
}

func order(t *testing.T, make func(io.Reader) (replayer, error), recording []byte) (order [2]any) {
	t.Helper()
	rep, err := make(bytes.NewReader(recording))
	must(t, err)
	defer rep.Close()
	conn, err := rep.Connection()
	must(t, err)
	for i := range order {
		order[i], err = ask(t.Context(), conn, "turn")
		must(t, err)
	}
	return order
}

var errRefused = status.Error(codes.PermissionDenied, "no streams here")

// A stream that could not be opened cannot be on replay either.
func TestAStreamThatWasRefusedIsRefused(t *testing.T) {
	refuse := grpc.WithChainStreamInterceptor(func(context.Context, *grpc.StreamDesc, *grpc.ClientConn, string,
		grpc.Streamer, ...grpc.CallOption) (grpc.ClientStream, error) {
		return nil, errRefused
	})
	for _, by := range theirs {
		var b bytes.Buffer
		rec, err := recorders[by](&b)
		must(t, err)
		live(t, func(conn *grpc.ClientConn) { conn.NewStream(t.Context(), sample.ChatDesc, sample.Chat) },
			append(rec.DialOptions(), refuse)...)
		must(t, rec.Close())
		_, conn := opened(t, b.Bytes())
		if _, err := conn.NewStream(t.Context(), sample.ChatDesc, sample.Chat); status.Convert(err).Message() !=
			"no streams here" || status.Code(err) != codes.PermissionDenied {
			t.Errorf("%s: it is opened with %v", by, err)
		}
	}
}

// A server that has enough answers before the client has finished: SendMsg
// returns io.EOF, some messages late.
func TestAServerThatHadEnoughHasEnough(t *testing.T) {
	run := func(conn *grpc.ClientConn) (answer string, err error) {
		st, err := conn.NewStream(t.Context(), sample.PutDesc, sample.Put)
		if err != nil {
			return "", err
		}
		for _, v := range []string{"a", "enough"} {
			if err := st.SendMsg(wrapperspb.String(v)); err != nil {
				return "", err
			}
		}
		if _, err := st.Header(); err != nil { // the server has answered
			return "", err
		}
		for range 10_000 {
			if err = st.SendMsg(wrapperspb.String("more")); err != nil {
				break
			}
		}
		if err != nil && err != io.EOF {
			return "", err
		}
		out := new(wrapperspb.StringValue)
		err = st.RecvMsg(out)
		return out.GetValue(), err
	}
	for by := range recorders {
		recording := record(t, recorders[by], func(conn *grpc.ClientConn) {
			if got, err := run(conn); got != "a" || err != nil {
				t.Errorf("%s: recording, the answer is %q, %v", by, got, err)
			}
		})
		_, conn := opened(t, recording)
		if got, err := run(conn); got != "a" || err != nil {
			t.Errorf("%s: replayed, the answer is %q, %v", by, got, err)
		}
		_, conn = opened(t, rewritten(t, recording))
		if got, err := run(conn); got != "a" || err != nil {
			t.Errorf("%s: written as text and replayed, the answer is %q, %v", by, got, err)
		}
	}
}

// rewritten returns a recording in our text form.
func rewritten(t *testing.T, recording []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	must(t, grpcreplay.FprintReader(&b, bytes.NewReader(recording)))
	return b.Bytes()
}

// A call under way at Close makes the originals refuse all of their own file.
func TestACallInFlightCostsNoOther(t *testing.T) {
	for _, by := range theirs {
		var b bytes.Buffer
		var recording []byte
		rec, err := recorders[by](&b)
		must(t, err)
		live(t, func(conn *grpc.ClientConn) {
			_, err := ask(t.Context(), conn, "one")
			must(t, err)
			inFlight(t, conn, func() {
				must(t, rec.Close())
				recording = bytes.Clone(b.Bytes())
			})
		}, rec.DialOptions()...)
		if _, err := theirgrpc.NewReplayerReader(bytes.NewReader(recording), nil); err == nil {
			t.Errorf("%s: the original loads it", by)
		}
		_, conn := opened(t, recording)
		if nth, err := ask(t.Context(), conn, "one"); nth != 1. || err != nil {
			t.Errorf("%s: the call that was answered is answered with %v, %v", by, nth, err)
		}
	}
}

// inFlight does something while a call is under way.
func inFlight(t *testing.T, conn *grpc.ClientConn, do func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	called, done := make(chan struct{}), make(chan struct{})
	codec := signalling{encoding.GetCodecV2("proto"), called}
	go func() {
		defer close(done)
		conn.Invoke(ctx, sample.Get, wrapperspb.String("slow"), new(structpb.Struct), grpc.ForceCodecV2(codec))
	}()
	<-called // the request has been recorded before it is encoded
	do()
	cancel()
	<-done
}

// A signalling codec tells when a request is encoded.
type signalling struct {
	encoding.CodecV2
	called chan struct{}
}

func (s signalling) Marshal(v any) (mem.BufferSlice, error) {
	close(s.called)
	return s.CodecV2.Marshal(v)
}

// A bare codec leaves responses encoded, as the client of Cloud Storage does.
type bare struct{ encoding.CodecV2 }

func (c bare) Unmarshal(data mem.BufferSlice, v any) error {
	if b, is := v.(*mem.BufferSlice); is {
		data.Ref()
		*b = data
		return nil
	}
	return c.CodecV2.Unmarshal(data, v)
}

// What go-replayers recorded as raw bytes is given to the codec that asked.
func TestRawMessagesComeRaw(t *testing.T) {
	run := func(conn *grpc.ClientConn) (values []string) {
		st, err := conn.NewStream(t.Context(), sample.ListDesc, sample.List,
			grpc.ForceCodecV2(bare{encoding.GetCodecV2("proto")}))
		must(t, err)
		must(t, st.SendMsg(wrapperspb.String("x")))
		must(t, st.CloseSend())
		for {
			var raw mem.BufferSlice
			if err := st.RecvMsg(&raw); err != nil {
				return append(values, err.Error())
			}
			out := new(wrapperspb.StringValue)
			must(t, proto.Unmarshal(raw.Materialize(), out))
			values = append(values, out.GetValue())
		}
	}
	for _, text := range []bool{false, true} {
		recording := record(t, func(w io.Writer) (recorder, error) {
			return theirgrpc.NewRecorderWriter(w, &theirgrpc.RecorderOptions{Text: text})
		}, func(conn *grpc.ClientConn) { run(conn) })
		_, conn := opened(t, recording)
		got := run(conn)
		if want := []string{"xa", "x", "xc", "EOF"}; !slices.Equal(got, want) {
			t.Errorf("replayed, the program gets %q, want %q", got, want)
		}
	}
}

// Cut behind a length, a file is whole to the originals.
func TestACutFileIsAnError(t *testing.T) {
	whole := record(t, recorders["their rpcreplay"], func(conn *grpc.ClientConn) { ask(t.Context(), conn, "one") })
	two := append(bytes.Clone(whole), 7, 0, 0, 0)
	if _, err := theirrpc.NewReplayerReader(bytes.NewReader(two)); err != nil {
		t.Errorf("the original refuses what it was thought to load: %v", err)
	}
	if _, err := ourrpc.NewReplayerReader(bytes.NewReader(two)); err == nil {
		t.Error("a file that is cut is loaded")
	}
}

// A client may ask for the header of a stream and receive nothing; the
// originals record no header.
func TestAHeaderThatWasAskedForAloneComes(t *testing.T) {
	run := func(conn *grpc.ClientConn) error {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		st, err := conn.NewStream(ctx, sample.ListDesc, sample.List)
		if err != nil {
			return err
		}
		if err := st.SendMsg(wrapperspb.String("x")); err != nil {
			return err
		}
		_, err = st.Header()
		return err
	}
	for by := range recorders {
		recording := record(t, recorders[by], func(conn *grpc.ClientConn) { must(t, run(conn)) })
		_, conn := opened(t, recording)
		if err := run(conn); err != nil {
			t.Errorf("%s: %v", by, err)
		}
	}
}
