// What lies on the disk: while it is recorded, after a kill, after an edit, and cut off.

package grpcreplay_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc/interop/grpc_testing"

	"github.com/rehearse-go/rehearse/grpcreplay"
)

// read returns a file's contents.
func read(t testing.TB, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// replayed replays a file, on a socket too.
func replayed(t *testing.T, file string) *grpcreplay.Service {
	t.Helper()
	return grpcreplay.Start(t, grpcreplay.Config{File: file, Mode: grpcreplay.ModeNone, Strict: true, Listen: listen})
}

// doomed is set for a process that is to be killed: it names the file.
const doomed = "GRPCREPLAY_TEST_DOOMED"

func TestMain(m *testing.M) {
	if file := os.Getenv(doomed); file != "" {
		recordUntilKilled(file)
	}
	os.Exit(m.Run())
}

// recordUntilKilled records calls, one for each line of its input, and says
// when one is done.
func recordUntilKilled(file string) {
	s := must2(grpcreplay.New(grpcreplay.Config{File: file, Mode: grpcreplay.ModeAll, Target: os.Args[1]}))
	c := grpc_testing.NewTestServiceClient(s.Conn())
	open := must2(c.FullDuplexCall(context.Background()))
	must2(0, open.Send(ask("open")))
	must2(open.Recv())
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		must2(c.UnaryCall(context.Background(), put(in.Text())))
		fmt.Println("done")
	}
	select {}
}

func TestARecorderThatIsKilledLeavesWhatItHad(t *testing.T) {
	file := filepath.Join(t.TempDir(), "recording.journal")
	if err := os.WriteFile(file, []byte("the old one"), 0o600); err != nil {
		t.Fatal(err)
	}
	child := exec.Command(os.Args[0], serve(t))
	child.Env = append(os.Environ(), doomed+"="+file)
	child.Stderr = os.Stderr
	in, out := must(t, must2(child.StdinPipe()), nil), must(t, must2(child.StdoutPipe()), nil)
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	said := bufio.NewScanner(out)
	for i := 0; i < 10_000 && wholeCalls(t, file) < 10; i++ { // each is written some time after it is made
		fmt.Fprintln(in, "call", i)
		if !said.Scan() {
			t.Fatal("it is gone before its time")
		}
	}
	child.Process.Kill()
	child.Wait()
	if got := read(t, file); string(got) != "the old one" {
		t.Errorf("the old file is now %.100q", got)
	}
	parts, _ := filepath.Glob(file + ".*.part")
	if len(parts) != 1 {
		t.Fatalf("there are %q", parts)
	}
	if whole := wholeCalls(t, file); whole < 10 {
		t.Errorf("%d calls are there", whole)
	}
	os.Remove(file)
	if _, err := grpcreplay.Open(file); err == nil || !strings.Contains(err.Error(), parts[0]) {
		t.Errorf("where there is only the side file, the error is %v", err)
	}
}

// wholeCalls returns how many unary calls the side files of a file have from
// beginning to end.
func wholeCalls(t *testing.T, file string) (whole int) {
	t.Helper()
	parts, _ := filepath.Glob(file + ".*.part")
	for _, part := range parts {
		for call := range must(t, must2(grpcreplay.Open(part)), nil).Calls() {
			if strings.HasSuffix(call.Method, "/UnaryCall") && !call.InFlight {
				whole++
			}
		}
	}
	return whole
}

func TestTheOldFileStandsUntilTheNewOneIsWhole(t *testing.T) {
	file := filepath.Join(t.TempDir(), "deep", "recording.journal")
	c := grpcreplay.Config{File: file, Mode: grpcreplay.ModeAll}
	target := open(t)
	make := func(text string, end func(*grpcreplay.Service) error) (during, after string) {
		s := must(t, must2(grpcreplay.New(c)), nil)
		dial(t, target, s.DialOptions()...).UnaryCall(t.Context(), put(text))
		b, _ := os.ReadFile(file)
		if err := end(s); err != nil {
			t.Error(err)
		}
		return string(b), string(read(t, file))
	}
	nothing, first := make("first", (*grpcreplay.Service).Close)
	during, second := make("second", (*grpcreplay.Service).Close)
	_, third := make("third", (*grpcreplay.Service).Discard)
	if nothing != "" || during != first || second == first || third != second {
		t.Error("a file is not replaced when the new one is whole, and only then")
	}
	entries := must(t, must2(os.ReadDir(filepath.Dir(file))), nil)
	if len(entries) != 1 {
		t.Errorf("what is left is %v", entries)
	}
	if info := must(t, must2(os.Stat(file)), nil); info.Mode().Perm() != 0o600 {
		t.Errorf("its mode is %v", info.Mode())
	}
}

// A patient is a test that fails when it is told to.
type patient struct {
	testing.TB
	failed  bool
	cleanup []func()
	errors  []string
}

func (p *patient) Failed() bool     { return p.failed }
func (p *patient) Cleanup(f func()) { p.cleanup = append(p.cleanup, f) }
func (p *patient) Logf(string, ...any) {
}
func (p *patient) Errorf(format string, args ...any) {
	p.failed = true
	p.errors = append(p.errors, fmt.Sprintf(format, args...))
}

// end ends the test.
func (p *patient) end() {
	for _, f := range p.cleanup {
		f()
	}
}

// said tells the test proper what is missing in what was said.
func (p *patient) said(what string, want []string) {
	said := strings.Join(p.errors, "\n")
	for _, want := range want {
		if !strings.Contains(said, want) {
			p.TB.Errorf("%s: it says\n%s\nwant %q", what, said, want)
		}
	}
}

func TestATestThatFailedKeepsTheOldFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "recording.journal")
	target := open(t)
	make := func(text string, failed bool) string {
		p := &patient{TB: t}
		s := grpcreplay.Start(p, grpcreplay.Config{File: file, Mode: grpcreplay.ModeAll})
		dial(t, target, s.DialOptions()...).UnaryCall(t.Context(), put(text))
		p.failed = failed
		p.end()
		return string(read(t, file))
	}
	if first := make("first", false); make("second", true) != first {
		t.Error("a test that failed replaced it")
	}
}

func TestWhatIsLeftOverFailsTheTest(t *testing.T) {
	file := record(t, func(t *testing.T, c grpc_testing.TestServiceClient) {
		c.UnaryCall(t.Context(), put("a"))
		echoed(t, c, "1", "2")
	})
	for _, c := range []struct {
		name string
		run  func(c grpc_testing.TestServiceClient)
		want []string
	}{
		{"nothing is called", func(grpc_testing.TestServiceClient) {},
			[]string{"2 recorded calls", "call 1 ", "call 2 "}},
		{"a stream is used by half", func(c grpc_testing.TestServiceClient) {
			c.UnaryCall(t.Context(), put("a"))
			s, _ := c.FullDuplexCall(t.Context())
			s.Send(ask("1"))
			s.Recv()
		}, []string{"1 recorded call ", "1 of 3 events of its client came"}},
	} {
		for _, by := range ways {
			p := &patient{TB: t}
			s := grpcreplay.Start(p, grpcreplay.Config{File: file, Mode: grpcreplay.ModeNone, Listen: listen})
			c.run(grpc_testing.NewTestServiceClient(by.dial(t, s, nobody)))
			p.end()
			p.said(c.name+", by "+by.name, c.want)
		}
	}
}

func TestAWriterGetsTheRecordingAtClose(t *testing.T) {
	for _, format := range []grpcreplay.Format{
		"", grpcreplay.Binary, grpcreplay.CompressedBinary, grpcreplay.RPCReplay,
	} {
		var b bytes.Buffer
		s := must(t, must2(grpcreplay.New(grpcreplay.Config{Writer: &b, Format: format})), nil)
		dial(t, open(t), s.DialOptions()...).UnaryCall(t.Context(), put("a"))
		if b.Len() > 0 {
			t.Error("something is written before Close")
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		r := must(t, must2(grpcreplay.Read(&b)), nil)
		again := grpcreplay.Start(t, grpcreplay.Config{Recording: r, Mode: grpcreplay.ModeNone})
		m, err := dial(t, nobody, again.DialOptions()...).UnaryCall(t.Context(), put("a"))
		if must(t, m, err).GetUsername() != "[] 1" {
			t.Errorf("in the form %q it answers %v", format, m)
		}
	}
}

// broken is a writer that fails.
type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("the disk is full") }

func TestAWriterThatFailsIsAnErrorOfClose(t *testing.T) {
	s := must(t, must2(grpcreplay.New(grpcreplay.Config{Writer: broken{}})), nil)
	dial(t, open(t), s.DialOptions()...).UnaryCall(t.Context(), put("a"))
	err := s.Close()
	if err == nil || !strings.Contains(err.Error(), "the disk is full") || s.Close() != err {
		t.Errorf("Close says %v", err)
	}
}

func TestATextThatWasEditedIsReplayedAsItIsNow(t *testing.T) {
	file := record(t, func(t *testing.T, c grpc_testing.TestServiceClient) { c.UnaryCall(t.Context(), put("a")) })
	old := string(read(t, file))
	edited := strings.Replace(old, `"[] 1"`, `"edited by hand"`, 1)
	if edited == old {
		t.Fatalf("there is nothing to edit:\n%.500s", old)
	}
	if err := os.WriteFile(file, []byte(edited), 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := dial(t, nobody, replayed(t, file).DialOptions()...).UnaryCall(t.Context(), put("a"))
	if must(t, m, err).GetUsername() != "edited by hand" {
		t.Errorf("it answers %v", m)
	}
}

// sample is a small recording of everything.
func sample(t testing.TB, format grpcreplay.Format) []byte {
	t.Helper()
	var b bytes.Buffer
	s := must(t, must2(grpcreplay.New(grpcreplay.Config{Writer: &b, Format: format, Initial: []byte("seed")})), nil)
	c := dial(t, open(t), s.DialOptions()...)
	c.UnaryCall(t.Context(), put("a"))
	c.UnaryCall(t.Context(), &grpc_testing.SimpleRequest{
		ResponseStatus: &grpc_testing.EchoStatus{Code: 5, Message: "no"}})
	stream := must(t, must2(c.FullDuplexCall(t.Context())), nil)
	stream.Send(ask("b"))
	stream.Recv()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestARecordingThatIsCutOffIsAnErrorOrShorter(t *testing.T) {
	for _, format := range []grpcreplay.Format{
		grpcreplay.Text, grpcreplay.Binary, grpcreplay.CompressedBinary, grpcreplay.RPCReplay,
	} {
		b := sample(t, format)
		whole := must(t, must2(grpcreplay.Read(bytes.NewReader(b))), nil).Len()
		for n := range len(b) {
			r, err := grpcreplay.Read(bytes.NewReader(b[:n]))
			if err == nil && format != grpcreplay.Text && format != grpcreplay.RPCReplay {
				t.Fatalf("of %s, %d of %d bytes are taken for a whole", format, n, len(b))
			}
			if err == nil && r.Len() > whole {
				t.Fatalf("of %s, %d of %d bytes have %d calls, the whole %d", format, n, len(b), r.Len(), whole)
			}
			var fault *grpcreplay.FormatError
			if err != nil && !errors.As(err, &fault) {
				t.Fatalf("of %s, %d of %d bytes are no FormatError: %v", format, n, len(b), err)
			}
		}
	}
}

func TestARecordingOfALaterVersionIsRefused(t *testing.T) {
	text := strings.Replace(string(sample(t, grpcreplay.Text)), "recording 1", "recording 9", 1)
	if _, err := grpcreplay.Read(strings.NewReader(text)); err == nil ||
		!strings.Contains(err.Error(), "9") || !strings.Contains(err.Error(), "1") {
		t.Errorf("the error is %v", err)
	}
}

func TestTwoRecordingsOfAProgramDifferOnlyInTheirTimes(t *testing.T) {
	once := func() string {
		file := record(t, func(t *testing.T, c grpc_testing.TestServiceClient) {
			asTenant(t, c, "acme", "authorization", "Bearer secret-token-of-acme", "x", "1")
			c.UnaryCall(t.Context(), put("password=hunter2"))
			echoed(t, c, "1", "2")
			c.UnaryCall(t.Context(), &grpc_testing.SimpleRequest{ResponseStatus: &grpc_testing.EchoStatus{Code: 5}})
		})
		before, times, _ := strings.Cut(string(read(t, file)), "\ntimes\n")
		_, after, _ := strings.Cut(times, "\ndescriptors\n")
		return before + after
	}
	first := once()
	for range 5 {
		if again := once(); again != first {
			t.Fatalf("the first is\n%.2000s\nanother\n%.2000s", first, again)
		}
	}
}

func TestAFileIsPrintedInItsTextForm(t *testing.T) {
	file := filepath.Join(t.TempDir(), "recording.bin")
	if err := os.WriteFile(file, sample(t, grpcreplay.Binary), 0o600); err != nil {
		t.Fatal(err)
	}
	var a, b strings.Builder
	err := errors.Join(grpcreplay.Fprint(&a, file), grpcreplay.FprintReader(&b, bytes.NewReader(read(t, file))))
	if err != nil {
		t.Fatal(err)
	}
	if a.String() != b.String() || !strings.HasPrefix(a.String(), "rehearse grpc recording 1\n") {
		t.Errorf("they print\n%.300s\nand\n%.300s", a.String(), b.String())
	}
	if err := grpcreplay.Fprint(io.Discard, t.TempDir()); err == nil || !strings.Contains(err.Error(), "directory") {
		t.Errorf("of a directory the error is %v", err)
	}
}
