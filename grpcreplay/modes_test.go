// Modes: what is replayed, what is recorded, and what is dialled.

package grpcreplay_test

import (
	"errors"
	"flag"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/rehearse-go/rehearse/grpcreplay"
)

// A world is a service that counts who comes, and a file.
type world struct {
	config  grpcreplay.Config
	dialled *atomic.Int32
}

// counted counts connections.
type counted struct {
	net.Listener
	n *atomic.Int32
}

func (c counted) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err == nil {
		c.n.Add(1)
	}
	return conn, err
}

// newWorld returns a world; the file is not there.
func newWorld(t *testing.T) world {
	t.Setenv("CI", "")
	l := must(t, must2(net.Listen("tcp", "127.0.0.1:0")), nil)
	w := world{grpcreplay.Config{
		File: filepath.Join(t.TempDir(), "recording.journal"), Target: l.Addr().String(), Listen: listen,
	}, new(atomic.Int32)}
	serveAt(t, counted{l, w.dialled})
	return w
}

// says puts texts in a mode and returns what each came to, and what Close said.
func (w world) says(t *testing.T, by way, mode grpcreplay.Mode, texts ...string) (answers []string, err error) {
	t.Helper()
	c := w.config
	c.Mode = mode
	s, err := grpcreplay.New(c)
	if err != nil {
		return nil, err
	}
	client := grpc_testing.NewTestServiceClient(by.dial(t, s, w.config.Target))
	for _, text := range texts {
		m, err := client.UnaryCall(t.Context(), put(text))
		answers = append(answers, strings.TrimPrefix(m.GetUsername(), "[] "))
		if err != nil {
			answers[len(answers)-1] = status.Code(err).String()
		}
	}
	return answers, s.Close()
}

// A scene is what is done in one mode, and what comes of it.
type scene struct {
	mode    grpcreplay.Mode
	texts   string // a letter each
	want    string
	fails   string // what New or Close says
	dials   bool
	touches bool // the file
}

func TestAModeSaysWhatIsReplayedAndRecorded(t *testing.T) {
	for name, scenes := range map[string][]scene{
		"once": {
			{grpcreplay.ModeOnce, "ab", "1 2", "", true, true},
			{grpcreplay.ModeOnce, "ba", "2 1", "", false, false},
			{grpcreplay.ModeOnce, "abc", "1 2 FailedPrecondition", "no recorded call fits", false, false},
			{grpcreplay.ModeOnce, "a", "1", "not made", false, false},
		},
		"left open": {{"", "a", "1", "", true, true}, {"", "a", "1", "", false, false}},
		"none": {
			{grpcreplay.ModeNone, "a", "", "record it first", false, false},
			{grpcreplay.ModeAll, "a", "1", "", true, true},
			{grpcreplay.ModeNone, "a", "1", "", false, false},
			{grpcreplay.ModeNone, "z", "FailedPrecondition", "no recorded call fits", false, false},
		},
		"all": {
			{grpcreplay.ModeAll, "a", "1", "", true, true},
			{grpcreplay.ModeAll, "a", "2", "", true, true},
			{grpcreplay.ModeNone, "a", "2", "", false, false},
		},
		"new": {
			{grpcreplay.ModeNew, "ab", "1 2", "", true, true},
			{grpcreplay.ModeNew, "acb", "1 3 2", "", true, true},
			{grpcreplay.ModeNew, "abc", "1 2 3", "", false, false},
			{grpcreplay.ModeNone, "cba", "3 2 1", "", false, false},
		},
		"spy": {
			{grpcreplay.ModeSpy, "a", "1", "", true, false},
			{grpcreplay.ModeAll, "b", "2", "", true, true},
			{grpcreplay.ModeSpy, "bc", "2 3", "", true, false},
			{grpcreplay.ModeNone, "b", "2", "", false, false},
		},
		"verify": {
			{grpcreplay.ModeAll, "a", "1", "", true, true},
			{grpcreplay.ModeVerify, "a", "2", `changed: call 1 `, true, false},
			{grpcreplay.ModeVerify, "b", "3", "made, but not recorded", true, false},
		},
		"unknown": {{"sometimes", "", "", `"sometimes"`, false, false}},
	} {
		for _, by := range ways {
			t.Run(name+" by "+by.name, func(t *testing.T) {
				w := newWorld(t)
				for i, sc := range scenes {
					before, _ := os.ReadFile(w.config.File)
					dialled := w.dialled.Load()
					answers, err := w.says(t, by, sc.mode, strings.Split(sc.texts, "")...)
					after, _ := os.ReadFile(w.config.File)
					if got := strings.Join(answers, " "); got != sc.want {
						t.Errorf("scene %d: the answers are %q, want %q", i+1, got, sc.want)
					}
					if (err != nil) != (sc.fails != "") || err != nil && !strings.Contains(err.Error(), sc.fails) {
						t.Errorf("scene %d: the error is %v, want %q", i+1, err, sc.fails)
					}
					if dials := w.dialled.Load() > dialled; dials != sc.dials {
						t.Errorf("scene %d: dialled %v, want %v", i+1, dials, sc.dials)
					}
					if touched := string(before) != string(after); touched != sc.touches {
						t.Errorf("scene %d: the file changed: %v, want %v", i+1, touched, sc.touches)
					}
				}
			})
		}
	}
}

func TestUnderCINothingIsRecorded(t *testing.T) {
	w := newWorld(t)
	t.Setenv("CI", "true")
	if _, err := w.says(t, ways[0], "", "a"); err == nil || !strings.Contains(err.Error(), "record it first") {
		t.Errorf("without a file the error is %v", err)
	}
	if n := w.dialled.Load(); n != 0 {
		t.Errorf("it dialled %d times", n)
	}
}

func TestNewKeepsOrderAndCommentsOfWhatIsThere(t *testing.T) {
	w := newWorld(t)
	w.says(t, ways[0], grpcreplay.ModeAll, "b", "a")
	edited := strings.Replace(string(read(t, w.config.File)), "call 1  ", "# by hand\ncall 1  ", 1)
	if err := os.WriteFile(w.config.File, []byte(edited), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := w.says(t, ways[0], grpcreplay.ModeNew, "c", "a", "b"); err != nil {
		t.Fatal(err)
	}
	old, _, _ := strings.Cut(edited, "\ntimes\n")
	if now := string(read(t, w.config.File)); !strings.HasPrefix(now, old) || !strings.Contains(now, "call 3  ") {
		t.Errorf("it was\n%s\nand is\n%.900s", old, now)
	}
}

func TestAFlagRecordsAnewWhatItNames(t *testing.T) {
	name := func(re string) {
		t.Helper()
		if err := flag.Set("grpcreplay.record", re); err != nil {
			t.Fatal(err)
		}
	}
	defer name("")
	for _, by := range ways {
		t.Run(by.name, func(t *testing.T) {
			w := newWorld(t)
			both := func(s *grpcreplay.Service) (x transcript) {
				c := grpc_testing.NewTestServiceClient(by.dial(t, s, w.config.Target))
				m, err := c.UnaryCall(t.Context(), put("a"))
				x.add("%s", seen(m, err))
				e, err := c.EmptyCall(t.Context(), &grpc_testing.Empty{})
				x.add("%s", seen(e, err))
				return x
			}
			run := func(mode grpcreplay.Mode, re, want string) {
				t.Helper()
				name(re)
				c := w.config
				c.Mode = mode
				s := must(t, must2(grpcreplay.New(c)), nil)
				name("")
				if got := both(s).lines; !strings.Contains(got[0], want) {
					t.Errorf("with %q it says %q, want %s", re, got, want)
				}
				if err := s.Close(); err != nil {
					t.Errorf("with %q: %v", re, err)
				}
			}
			run(grpcreplay.ModeAll, "", "[] 1")
			run(grpcreplay.ModeOnce, "no such thing", "[] 1")
			run(grpcreplay.ModeOnce, "UnaryCall", "[] 2")
			run(grpcreplay.ModeOnce, "", "[] 2")
			run(grpcreplay.ModeOnce, "recording.journal", "[] 3")
			run(grpcreplay.ModeNone, "", "[] 3")
			name("(")
			defer name("")
			if _, err := grpcreplay.New(w.config); err == nil || !strings.Contains(err.Error(), "-grpcreplay.record") {
				t.Errorf("of an expression that is none it says %v", err)
			}
		})
	}
}

func TestARecordingExpires(t *testing.T) {
	for _, c := range []struct {
		expired grpcreplay.Expired
		mode    grpcreplay.Mode
		want    string // the answer, or the error
	}{
		{"", grpcreplay.ModeOnce, "1"}, {grpcreplay.ExpiredWarn, grpcreplay.ModeOnce, "1"},
		{grpcreplay.ExpiredFail, grpcreplay.ModeOnce, "record it anew"},
		{grpcreplay.ExpiredRecord, grpcreplay.ModeOnce, "2"},
		{grpcreplay.ExpiredRecord, grpcreplay.ModeNone, "1"},
		{"tomorrow", grpcreplay.ModeOnce, `"tomorrow"`},
	} {
		t.Run(string(c.expired)+" in "+string(c.mode), func(t *testing.T) {
			w := newWorld(t)
			w.says(t, ways[0], grpcreplay.ModeAll, "a")
			old := time.Now().Add(-48 * time.Hour)
			if err := os.Chtimes(w.config.File, old, old); err != nil {
				t.Fatal(err)
			}
			logged := 0
			w.config.Expire, w.config.Expired = 24*time.Hour, c.expired
			w.config.Log = func(format string, _ ...any) {
				if strings.Contains(format, "old") {
					logged++
				}
			}
			answers, err := w.says(t, ways[0], c.mode, "a")
			got := strings.Join(answers, " ")
			if err != nil {
				got = err.Error()
			}
			if !strings.Contains(got, c.want) {
				t.Errorf("it comes to %s, want %s", got, c.want)
			}
			if warns := c.expired == "" || c.expired == grpcreplay.ExpiredWarn; warns != (logged > 0) {
				t.Errorf("the log says so %d times", logged)
			}
		})
	}
}

func TestVerifyTellsHowMuchADifferenceMatters(t *testing.T) {
	w := newWorld(t)
	empty := func(mode grpcreplay.Mode, refuse, tenant string, opts ...string) error {
		c := w.config
		c.Mode = mode
		s := must(t, must2(grpcreplay.New(c)), nil)
		ctx := metadata.AppendToOutgoingContext(t.Context(), opts...)
		if refuse != "" {
			ctx = metadata.AppendToOutgoingContext(ctx, "refuse", refuse)
		}
		ctx = metadata.AppendToOutgoingContext(ctx, "tenant", tenant)
		grpc_testing.NewTestServiceClient(s.Conn()).EmptyCall(ctx, &grpc_testing.Empty{})
		return s.Close()
	}
	if err := empty(grpcreplay.ModeAll, "", "a"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		refuse, tenant string
		want           grpcreplay.Severity
	}{{"", "a", ""}, {"", "b", grpcreplay.Minor}, {"so", "a", grpcreplay.Breaking}} {
		err := empty(grpcreplay.ModeVerify, c.refuse, c.tenant)
		var drift *grpcreplay.DriftError
		if errors.As(err, &drift) != (c.want != "") || drift != nil && drift.Drifts[0].Severity != c.want {
			t.Errorf("for %+v it says %v", c, err)
		}
	}
}

func TestTheInitialBytesAreKept(t *testing.T) {
	for _, format := range []grpcreplay.Format{
		grpcreplay.Text, grpcreplay.Binary, grpcreplay.CompressedBinary, grpcreplay.RPCReplay,
	} {
		w := newWorld(t)
		w.config.Format, w.config.Initial, w.config.Mode = format, []byte("first"), grpcreplay.ModeAll
		s := must(t, must2(grpcreplay.New(w.config)), nil)
		if got := s.Initial(); string(got) != "first" {
			t.Errorf("while recording they are %q", got)
		}
		grpc_testing.NewTestServiceClient(s.Conn()).UnaryCall(t.Context(), put("a"))
		if err := s.SetInitial([]byte("seed\x00\xff\n")); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := s.SetInitial(nil); err == nil {
			t.Error("they can be set after Close")
		}
		w.config.Mode = grpcreplay.ModeNone
		s = must(t, must2(grpcreplay.New(w.config)), nil)
		if got := s.Initial(); string(got) != "seed\x00\xff\n" {
			t.Errorf("in the form %s they come back as %q", format, got)
		}
		if err := s.SetInitial(nil); err == nil {
			t.Error("they can be set on replay")
		}
		s.Discard()
	}
}

func TestARecorderAndAReplayerStandAlone(t *testing.T) {
	w := newWorld(t)
	r := must(t, must2(grpcreplay.NewRecorder(grpcreplay.Config{File: w.config.File, Initial: []byte("i")})), nil)
	call := func(opts []grpc.DialOption, text string) (string, error) {
		m, err := dial(t, w.config.Target, opts...).UnaryCall(t.Context(), put(text))
		return m.GetUsername(), err
	}
	call(r.DialOptions(), "a")
	if err := errors.Join(r.Close(), r.Close()); err != nil {
		t.Fatal(err)
	}
	dialled := w.dialled.Load()
	rec := must(t, must2(grpcreplay.Open(w.config.File)), nil)
	p := must(t, must2(grpcreplay.NewReplayer(rec, grpcreplay.Config{})), nil)
	if who, err := call(p.DialOptions(), "a"); who != "[] 1" || err != nil || string(p.Initial()) != "i" {
		t.Errorf("it is answered by %s, %v", who, err)
	}
	if _, err := call(p.DialOptions(), "b"); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("the other is answered by %v", err)
	}
	var miss *grpcreplay.MismatchError
	if err := p.Close(); !errors.As(err, &miss) || p.Close() != err {
		t.Errorf("Close says %v", err)
	}
	if w.dialled.Load() != dialled {
		t.Error("the replayer dialled")
	}
}
