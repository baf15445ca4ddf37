// A program that runs twice: before its service, and before the recording.

package stage

import (
	"context"
	"fmt"
	"maps"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/rehearse-go/rehearse/grpcreplay"
	"github.com/rehearse-go/rehearse/rule"
)

// nobody is an address at which nobody listens.
const nobody = "127.0.0.1:1"

// A Service starts a real service and returns its address and what stops it.
type Service func(t testing.TB) (address string, stop func())

// A Program is what a client does with its service.
type Program func(a *Act)

// An Act is one run of a program.
type Act struct {
	*testing.T
	Address string            // of the service, or of who stands before it
	Options []grpc.DialOption // for the client's connections

	mu   sync.Mutex
	seen map[string][]string
}

// See writes down what somebody in the program saw. What is seen by one is
// compared in order; what is seen by two is not.
func (a *Act) See(who, format string, args ...any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.seen[who] = append(a.seen[who], fmt.Sprintf(format, args...))
}

// A Way is how a program comes to the recording.
type Way struct {
	Name  string
	Proxy bool // over a socket; else by dial options

	chance Chance
}

// Ways are both.
var Ways = []Way{{Name: "dial options"}, {Name: "proxy", Proxy: true}}

// A Chance is what is never the same twice in a program.
type Chance struct {
	Ignore []string // fields, as grpcreplay.Match has them
	Empty  []string // unary methods that are called as often as a clock says: rules answer them, with nothing
}

// Play records a program before its service, and replays it without, both
// ways.
func Play(t *testing.T, start Service, program Program) {
	PlayWith(t, Chance{}, start, program)
}

// PlayWith is Play where something is by chance.
func PlayWith(t *testing.T, by Chance, start Service, program Program) {
	for _, w := range Ways {
		t.Run(w.Name, func(t *testing.T) { w.Play(t, by, start, program) })
	}
}

// Play is PlayWith, one way.
func (w Way) Play(t *testing.T, by Chance, start Service, program Program) {
	file := filepath.Join(t.TempDir(), "recording.journal")
	address, stop := start(t)
	c := grpcreplay.Config{File: file, Mode: grpcreplay.ModeAll, Target: address}
	c.Match.Ignore = by.Ignore
	w.chance = by
	live := w.act(t, c, address, program)
	stop()
	if t.Failed() {
		t.FailNow()
	}
	c = grpcreplay.Config{File: file, Mode: grpcreplay.ModeNone, Strict: true} // the file knows what is ignored
	replayed := w.act(t, c, nobody, program)
	compare(t, live.seen, replayed.seen)
}

// act runs a program before the service that a Config describes.
func (w Way) act(t *testing.T, c grpcreplay.Config, address string, program Program) *Act {
	t.Helper()
	if w.Proxy {
		c.Listen = func(ctx context.Context, network, address string) (net.Listener, error) {
			return new(net.ListenConfig).Listen(ctx, network, address)
		}
	}
	s, err := grpcreplay.New(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, method := range w.chance.Empty {
		s.Rule(rule.Then(grpcreplay.Method(method), grpcreplay.Answering(new(emptypb.Empty))))
	}
	a := &Act{T: t, Address: address, Options: s.DialOptions(), seen: make(map[string][]string)}
	if w.Proxy {
		a.Address, a.Options = s.Addr(), nil
	}
	program(a)
	if err := s.Close(); err != nil {
		t.Errorf("%s: %v", s.Mode(), err)
	}
	return a
}

// compare says where two transcripts differ.
func compare(t *testing.T, live, replayed map[string][]string) {
	t.Helper()
	everybody := maps.Clone(live)
	maps.Copy(everybody, replayed)
	for _, who := range slices.Sorted(maps.Keys(everybody)) {
		a, b := live[who], replayed[who]
		if slices.Equal(a, b) {
			continue
		}
		at := 0
		for at < len(a) && at < len(b) && a[at] == b[at] {
			at++
		}
		t.Errorf("%s saw otherwise from line %d on:\nlive:     %s\nreplayed: %s", who, at+1, from(a, at), from(b, at))
	}
}

func from(lines []string, at int) string {
	return strings.Join(lines[at:min(len(lines), at+3)], "\n          ")
}
