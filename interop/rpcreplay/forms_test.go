// Every recorder's recordings, in every replayer.

package rpcreplay_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	theirrpc "cloud.google.com/go/rpcreplay"
	theirgrpc "github.com/google/go-replayers/grpcreplay"
	"google.golang.org/grpc"

	ourgrpc "github.com/rehearse-go/rehearse/compat/grpcreplay"
	ourrpc "github.com/rehearse-go/rehearse/compat/rpcreplay"
	"github.com/rehearse-go/rehearse/grpcreplay"
	"github.com/rehearse-go/rehearse/interop/rpcreplay/sample"
)

var initial = []byte("initial \x00")

// A recorder is what all recorders have in common, a replayer all replayers.
type (
	recorder interface {
		DialOptions() []grpc.DialOption
		Close() error
	}
	replayer interface {
		Connection() (*grpc.ClientConn, error)
		Initial() []byte
		Close() error
	}
)

// recorders are the originals' and ours, by name.
var recorders = map[string]func(io.Writer) (recorder, error){
	"their rpcreplay": func(w io.Writer) (recorder, error) { return theirrpc.NewRecorderWriter(w, initial) },
	"their grpcreplay": func(w io.Writer) (recorder, error) {
		return theirgrpc.NewRecorderWriter(w, &theirgrpc.RecorderOptions{Initial: initial})
	},
	"their grpcreplay, text": func(w io.Writer) (recorder, error) {
		return theirgrpc.NewRecorderWriter(w, &theirgrpc.RecorderOptions{Initial: initial, Text: true})
	},
	"our rpcreplay": func(w io.Writer) (recorder, error) { return ourrpc.NewRecorderWriter(w, initial) },
	"our grpcreplay": func(w io.Writer) (recorder, error) {
		return ourgrpc.NewRecorderWriter(w, &ourgrpc.RecorderOptions{Initial: initial})
	},
}

// originals and dropIns are the replayers, by name.
var (
	originals = map[string]func(io.Reader) (replayer, error){
		"their rpcreplay":  func(r io.Reader) (replayer, error) { return theirrpc.NewReplayerReader(r) },
		"their grpcreplay": func(r io.Reader) (replayer, error) { return theirgrpc.NewReplayerReader(r, nil) },
	}
	dropIns = map[string]func(io.Reader) (replayer, error){
		"our rpcreplay":  func(r io.Reader) (replayer, error) { return ourrpc.NewReplayerReader(r) },
		"our grpcreplay": func(r io.Reader) (replayer, error) { return ourgrpc.NewReplayerReader(r, nil) },
	}
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// live runs a program with a new service.
func live(t testing.TB, run func(*grpc.ClientConn), opts ...grpc.DialOption) {
	t.Helper()
	addr, stop, err := sample.Serve()
	must(t, err)
	defer stop()
	conn, err := sample.Dial(addr, opts...)
	must(t, err)
	defer conn.Close()
	run(conn)
}

// seen returns what the sample program sees of the service itself.
func seen(t *testing.T) (seen string) {
	t.Helper()
	live(t, func(conn *grpc.ClientConn) { seen = sample.Run(t.Context(), conn) })
	return seen
}

// record records a program.
func record(t testing.TB, make func(io.Writer) (recorder, error), run func(*grpc.ClientConn)) []byte {
	t.Helper()
	var b bytes.Buffer
	rec, err := make(&b)
	must(t, err)
	live(t, run, rec.DialOptions()...)
	must(t, rec.Close())
	return b.Bytes()
}

// replay replays the sample program and complains if it sees anything else
// than it should.
func replay(t *testing.T, make func(io.Reader) (replayer, error), recording []byte, want string) {
	t.Helper()
	rep, err := make(bytes.NewReader(recording))
	must(t, err)
	defer rep.Close()
	conn, err := rep.Connection()
	must(t, err)
	if got := sample.Run(t.Context(), conn); got != want {
		t.Errorf("replayed, the program sees\n%swant\n%s", got, want)
	}
}

// exported returns a recording in the form of the originals.
func exported(t testing.TB, recording []byte) []byte {
	t.Helper()
	rec, err := grpcreplay.Read(bytes.NewReader(recording))
	must(t, err)
	var b bytes.Buffer
	must(t, rec.Write(&b, grpcreplay.RPCReplay))
	return b.Bytes()
}

func TestWhatAnyoneRecordsEveryoneReplays(t *testing.T) {
	want := seen(t)
	for by, make := range recorders {
		recording := record(t, make, func(conn *grpc.ClientConn) { sample.Run(t.Context(), conn) })
		for in, open := range dropIns {
			t.Run(by+" in "+in, func(t *testing.T) {
				replay(t, open, recording, want)
				rep, err := open(bytes.NewReader(recording))
				must(t, err)
				if !bytes.Equal(rep.Initial(), initial) {
					t.Errorf("the initial bytes are %q", rep.Initial())
				}
			})
		}
		for in, open := range originals {
			t.Run(by+" exported to "+in, func(t *testing.T) { replay(t, open, exported(t, recording), want) })
		}
	}
}

// The samples are recordings of the sample program, made once by cmd/samples.
func TestTheSamplesOfAllFormsAreReplayedAndExported(t *testing.T) {
	want := seen(t)
	for _, name := range []string{
		"rpcreplay.replay", "grpcreplay.replay", "grpcreplay.txt", "binarylog.bin", "grpcdump.json",
	} {
		recording, err := os.ReadFile(filepath.Join("../../grpcreplay/internal/foreign/testdata", name))
		must(t, err)
		want := want
		if name == "grpcdump.json" { // it does not say what an error's details are
			want = strings.ReplaceAll(want, "  detail detail\n", "")
		}
		for in, open := range dropIns {
			t.Run(name+" in "+in, func(t *testing.T) { replay(t, open, recording, want) })
		}
		for in, open := range originals {
			t.Run(name+" exported to "+in, func(t *testing.T) { replay(t, open, exported(t, recording), want) })
		}
	}
}

// With Fprint the originals show what was exported, entry by entry.
func TestWhatIsExportedHasTheEntriesOfTheOriginal(t *testing.T) {
	run := func(conn *grpc.ClientConn) { sample.Run(t.Context(), conn) }
	var theirs, ours bytes.Buffer
	must(t, theirrpc.FprintReader(&theirs, bytes.NewReader(record(t, recorders["their rpcreplay"], run))))
	must(t, theirrpc.FprintReader(&ours, bytes.NewReader(exported(t, record(t, recorders["our rpcreplay"], run)))))
	if got, want := kinds(ours.String()), kinds(theirs.String()); got != want {
		t.Errorf("exported, the entries are\n%swant\n%s", got, want)
	}
}

// kinds returns the heads of entries as Fprint shows them, without the
// messages between them, whose fields come in any order.
func kinds(printed string) string {
	var b strings.Builder
	for line := range strings.Lines(printed) {
		if strings.HasPrefix(line, "#") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// Nothing is known of the service's types but what the recording says.
func TestAServiceWithoutDescriptorsIsReplayed(t *testing.T) {
	run := func(conn *grpc.ClientConn) string { return sample.RunAs(t.Context(), conn, sample.Undescribed) }
	var want string
	live(t, func(conn *grpc.ClientConn) { want = run(conn) })
	for by, make := range recorders {
		recording := record(t, make, func(conn *grpc.ClientConn) { run(conn) })
		for in, open := range dropIns {
			t.Run(by+" in "+in, func(t *testing.T) {
				rep, err := open(bytes.NewReader(recording))
				must(t, err)
				defer rep.Close()
				conn, err := rep.Connection()
				must(t, err)
				if got := run(conn); got != want {
					t.Errorf("replayed, the program sees\n%swant\n%s", got, want)
				}
			})
		}
	}
}
