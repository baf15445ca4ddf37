// The rules that need no network: what is tried again, when, and who is believed.

package client

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/rehearse-go/rehearse/commitlog"
)

func TestAnErrorTellsWhatBecameOfTheAttempt(t *testing.T) {
	code := func(c codes.Code) error { return grpcstatus.Error(c, "") }
	for _, row := range []struct {
		err          error
		sent, unsent outcome
	}{
		{commitlog.NotLeader{}, undone, undone},
		{commitlog.Latched{Why: code(codes.Unknown)}, undone, undone},
		{commitlog.Superseded{}, undone, undone},
		{commitlog.ErrClosed, undone, undone},
		{commitlog.Uncertain{Why: commitlog.NotLeader{}}, unknown, unknown},
		{fmt.Errorf("n1: %w", commitlog.Uncertain{}), unknown, unknown},
		{commitlog.OffsetOutOfRange{}, refused, refused},
		{commitlog.Full{}, refused, refused},
		{commitlog.TooLarge{}, refused, refused},
		{commitlog.WrongSequence{}, refused, refused},
		{commitlog.WrongCluster{}, refused, refused},
		{code(codes.PermissionDenied), refused, refused},
		{code(codes.Unauthenticated), refused, refused},
		{code(codes.Unimplemented), refused, refused},
		{code(404), refused, refused},
		{code(codes.Unavailable), unknown, undone},
		{code(codes.Canceled), unknown, undone},
		{code(codes.DeadlineExceeded), unknown, undone},
		{code(codes.Internal), unknown, undone},
		{code(codes.Unknown), unknown, undone},
		{code(codes.Aborted), unknown, undone},
		{errors.New("of no kind"), unknown, undone},
	} {
		if got := judge(row.err, true); got != row.sent {
			t.Errorf("%v, sent: %d, want %d", row.err, got, row.sent)
		}
		if got := judge(row.err, false); got != row.unsent {
			t.Errorf("%v, not sent: %d, want %d", row.err, got, row.unsent)
		}
	}
}

func TestWaitsDoubleUpToTheLongest(t *testing.T) {
	p := pace{Retry: Retry{Min: 20 * time.Millisecond, Max: 100 * time.Millisecond}}
	var got []time.Duration
	for _, elsewhere := range []bool{false, true, true, true, true, false, false, false} {
		got = append(got, p.next(elsewhere)/time.Millisecond)
	}
	p.reset()
	got = append(got, p.next(false)/time.Millisecond)
	if want := []time.Duration{20, 0, 0, 0, 40, 80, 100, 100, 20}; !slices.Equal(got, want) {
		t.Errorf("waits %v ms, want %v", got, want)
	}
}

func TestTheNewestTermIsBelieved(t *testing.T) {
	v := newView([]string{"a:1"})
	leader := func(id string, term uint64) commitlog.Leader {
		l := commitlog.Leader{ID: id, Term: term}
		if id != "" {
			l.Addr = id + ":1"
		}
		return l
	}
	for i, row := range []struct {
		told    commitlog.Leader
		changes bool
		leads   string // then
	}{
		{leader("", 0), false, ""},
		{leader("a", 0), true, "a"},
		{leader("b", 4), true, "b"},
		{leader("b", 4), false, "b"},
		{leader("a", 3), false, "b"},
		{leader("", 3), false, "b"},
		{commitlog.Leader{ID: "b", Term: 4}, false, "b"}, // without its address
		{leader("b", 5), true, "b"},
		{leader("", 5), true, ""},
		{leader("", 5), false, ""},
		{leader("b", 4), false, ""},
		{leader("c", 0), true, "c"},
		{leader("b", 5), true, "b"},
	} {
		if got := v.lead(row.told); got != row.changes || v.now.Load().leader.ID != row.leads {
			t.Errorf("step %d: told of %+v: changed %v, %q leads; want %v, %q",
				i, row.told, got, v.now.Load().leader.ID, row.changes, row.leads)
		}
	}
	if now := v.now.Load(); now.leader.Gen != 6 || now.leader.Term != 5 {
		t.Errorf("generation %d, term %d", now.leader.Gen, now.leader.Term)
	}
	v.deny("c:1")
	if v.now.Load().leader.ID != "b" {
		t.Error("c said that it does not lead, and now b does not")
	}
	v.deny("b:1")
	if v.now.Load().leader.ID != "" {
		t.Error("b said that it does not lead, and is believed to")
	}
}

func TestALeaderIsAmongTheServersBeforeItIsToldOf(t *testing.T) {
	v := newView([]string{"a:1"})
	v.learn([]server{{name: "a", addr: "a:1"}}, "a")
	if got := v.now.Load().leaderAddr(); got != "a:1" {
		t.Errorf("leader at %q", got)
	}
	v.lead(commitlog.Leader{ID: "b", Addr: "b:1", Term: 2})
	if got := v.now.Load().all(); len(got) != 2 || got[1].addr != "b:1" {
		t.Errorf("servers %v", got)
	}
	_, changed := v.look()
	v.learn([]server{{name: "a", addr: "a:1"}, {name: "b", addr: "b:2"}}, "a")
	select {
	case <-changed:
	default:
		t.Error("nobody was told of the new server")
	}
	v.lead(commitlog.Leader{ID: "b", Term: 3})
	if got := v.now.Load().leaderAddr(); got != "b:2" {
		t.Errorf("leader at %q, which is not what its server says", got)
	}
}
