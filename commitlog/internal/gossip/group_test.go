// Groups that meet, part, change, leave and end, in bubbles.

package gossip_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rehearse-go/rehearse/commitlog/internal/gossip"
)

// A diary is a Handler that writes down what it is told.
type diary struct {
	mu    sync.Mutex
	lines []string
	errs  []error
}

func (d *diary) write(line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, line)
}

func (d *diary) Joined(m gossip.Member)  { d.write("joined " + m.Name) }
func (d *diary) Left(m gossip.Member)    { d.write("left " + m.Name) }
func (d *diary) Failed(m gossip.Member)  { d.write("failed " + m.Name) }
func (d *diary) Updated(m gossip.Member) { d.write("updated " + m.Name + " " + m.Tags["v"]) }

func (d *diary) Refused(m gossip.Member, err error) {
	d.write("refused " + m.Name)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.errs = append(d.errs, err)
}

// read returns what was written since the last time, joined.
func (d *diary) read() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := strings.Join(d.lines, ", ")
	d.lines = nil
	return all
}

// A node is a group with its diary.
type node struct {
	*gossip.Group
	diary *diary
}

// start starts the i-th node of the network. Fields of c that are set stay.
func start(t *testing.T, n *network, i int, c gossip.Config) node {
	t.Helper()
	d := &diary{}
	if c.Name == "" {
		c.Name = fmt.Sprintf("n%d", i)
	}
	if c.Bind == "" {
		c.Bind = fmt.Sprintf("n%d:8401", i)
	}
	h := host{n, ipOf(i)}
	c.Listen, c.ListenPacket, c.Dial, c.Handler = h.Listen, h.ListenPacket, h.Dial, d
	g, err := gossip.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	return node{g, d}
}

// alive returns the names of those that a node knows to be alive.
func (n node) alive() string {
	var names []string
	for _, m := range n.Members() {
		if m.State == gossip.Alive {
			names = append(names, m.Name)
		}
	}
	return strings.Join(names, " ")
}

func expect(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func TestNodesMeetChangeLeaveAndFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n0 := start(t, n, 0, gossip.Config{Tags: map[string]string{"rpc_addr": "n0:8400"}})
		n1 := start(t, n, 1, gossip.Config{})
		if err := n1.Join(t.Context(), []string{"n0:8401"}); err != nil {
			t.Fatal(err)
		}
		n2 := start(t, n, 2, gossip.Config{Join: []string{"n9:8401", "n1:8401"}})
		time.Sleep(15 * time.Second) // virtual
		for _, g := range []node{n0, n1, n2} {
			expect(t, g.Addr()+" knows", g.alive(), "n0 n1 n2")
		}
		expect(t, "n0 was told", n0.diary.read(), "joined n1, joined n2")
		if m := n2.Members()[0]; m.Tags["rpc_addr"] != "n0:8400" || m.Addr != "10.0.0.1:8401" {
			t.Errorf("n2 knows n0 as %+v", m)
		}

		if err := n1.SetTags(map[string]string{"v": "2"}); err != nil {
			t.Error(err)
		}
		time.Sleep(15 * time.Second) // virtual
		expect(t, "n0 was told", n0.diary.read(), "updated n1 2")

		if err := n1.Leave(t.Context()); err != nil {
			t.Error(err)
		}
		time.Sleep(15 * time.Second) // virtual
		expect(t, "n0 was told", n0.diary.read(), "left n1")
		expect(t, "n0 knows", n0.alive(), "n0 n2")

		if err := n2.Close(); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute) // virtual
		expect(t, "n0 was told", n0.diary.read(), "failed n2")
		expect(t, "n0 knows", n0.alive(), "n0")
	})
}

func TestAfterAPartitionAllMeetAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		var all []node
		for i := range 5 {
			all = append(all, start(t, n, i, gossip.Config{Join: []string{"n0:8401", "n1:8401"}}))
		}
		time.Sleep(30 * time.Second) // virtual
		for _, g := range all {
			expect(t, g.Addr()+" knows", g.alive(), "n0 n1 n2 n3 n4")
		}
		cut := func(cut bool) {
			for _, a := range []int{0, 1, 2} {
				n.part(a, 3, cut)
				n.part(a, 4, cut)
			}
		}
		cut(true)
		time.Sleep(time.Minute) // virtual
		for _, g := range all[:3] {
			expect(t, g.Addr()+" knows", g.alive(), "n0 n1 n2")
		}
		for _, g := range all[3:] {
			expect(t, g.Addr()+" knows", g.alive(), "n3 n4")
		}
		cut(false)
		time.Sleep(2 * time.Minute) // virtual
		for _, g := range all {
			expect(t, g.Addr()+" knows", g.alive(), "n0 n1 n2 n3 n4")
		}
	})
}

func TestAJoinGoesOnUntilSomebodyAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n1 := start(t, n, 1, gossip.Config{Join: []string{"n0:8401"}})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err := n1.Join(ctx, []string{"n0:8401"})
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "n0:8401: ") ||
			!strings.Contains(err.Error(), "connection refused") || strings.Contains(err.Error(), "192.0.2.1") {
			t.Errorf("Join: %v", err)
		}
		joined := make(chan error)
		go func() { joined <- n1.Join(t.Context(), []string{"n1:8401", "n0:8401"}) }()
		time.Sleep(time.Minute) // virtual
		start(t, n, 0, gossip.Config{})
		if err := <-joined; err != nil {
			t.Error(err)
		}
		expect(t, "n1 knows", n1.alive(), "n0 n1")
	})
}

func TestANodeThatJoinsItselfHasMetNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n0 := start(t, newNetwork(), 0, gossip.Config{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := n0.Join(ctx, []string{"n0:8401"})
		if err == nil || !strings.Contains(err.Error(), "only this node itself") {
			t.Error(err)
		}
	})
}

func TestNodesOfTwoClustersRefuseEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		of := func(id string) gossip.Config { return gossip.Config{Tags: map[string]string{gossip.ClusterTag: id}} }
		n0, n1, n2 := start(t, n, 0, of("a")), start(t, n, 1, of("b")), start(t, n, 2, of(""))
		var wrong gossip.WrongCluster
		if err := n1.Join(t.Context(), []string{"n0:8401"}); !errors.As(err, &wrong) ||
			wrong.Ours != "b" || wrong.Theirs != "a" || wrong.Member.Name != "n0" {
			t.Errorf("Join: %v", err)
		}
		synctest.Wait()
		expect(t, "n0 was told", n0.diary.read(), "refused n1")
		expect(t, "n1 was told", n1.diary.read(), "refused n0")
		if err := errors.Join(n0.diary.errs...); !errors.As(err, &wrong) || wrong.Member.Addr != "10.0.0.2:8401" {
			t.Errorf("n0 was told %v", err)
		}

		// Who has no cluster yet may join any, and is of it once it says so.
		if err := n2.Join(t.Context(), []string{"n0:8401"}); err != nil {
			t.Error(err)
		}
		if err := n2.SetTags(map[string]string{gossip.ClusterTag: "a"}); err != nil {
			t.Error(err)
		}
		if err := n2.Join(t.Context(), []string{"n1:8401"}); !errors.As(err, &wrong) {
			t.Errorf("Join: %v", err)
		}
		time.Sleep(time.Minute) // virtual
		expect(t, "n0 knows", n0.alive(), "n0 n2")
		expect(t, "n1 knows", n1.alive(), "n1")
	})
}

func TestANameThatIsTakenIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n0 := start(t, n, 0, gossip.Config{})
		n1 := start(t, n, 1, gossip.Config{Join: []string{"n0:8401"}})
		time.Sleep(15 * time.Second) // virtual
		second := start(t, n, 2, gossip.Config{Name: "n1"})
		for _, address := range []string{"n0:8401", "n1:8401"} {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			err := second.Join(ctx, []string{address})
			cancel()
			var taken gossip.NameTaken
			if !errors.As(err, &taken) || taken.There != "10.0.0.2:8401" || taken.Here != "10.0.0.3:8401" {
				t.Errorf("Join: %v", err)
			}
		}
		time.Sleep(time.Minute) // virtual
		for _, g := range []node{n0, n1} {
			if m := g.Members()[1]; m.Addr != "10.0.0.2:8401" || m.State != gossip.Alive {
				t.Errorf("%s knows %+v", g.Addr(), m)
			}
		}
	})
}

func TestANodeComesBackAtAnotherAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n0 := start(t, n, 0, gossip.Config{})
		n1 := start(t, n, 1, gossip.Config{Join: []string{"n0:8401"}})
		time.Sleep(15 * time.Second) // virtual
		n1.Close()
		back := start(t, n, 2, gossip.Config{Name: "n1", Join: []string{"n0:8401"}})
		time.Sleep(25 * time.Second) // virtual
		for _, g := range []node{n0, back} {
			if m := g.Members()[1]; m.Addr != "10.0.0.3:8401" || m.State != gossip.Alive {
				t.Errorf("%s knows %+v", g.Addr(), m)
			}
		}
	})
}

func TestOnlyThoseWithTheKeyMeet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		key := func(b string) gossip.Config { return gossip.Config{Key: []byte(strings.Repeat(b, 16))} }
		n0, n1 := start(t, n, 0, key("k")), start(t, n, 1, key("k"))
		if err := n1.Join(t.Context(), []string{"n0:8401"}); err != nil {
			t.Error(err)
		}
		for i, c := range []gossip.Config{key("x"), {}} {
			stranger := start(t, n, 2+i, c)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			if err := stranger.Join(ctx, []string{"n0:8401"}); err == nil {
				t.Errorf("stranger %d has joined", i)
			}
			cancel()
		}
		expect(t, "n0 knows", n0.alive(), "n0 n1")
	})
}

// A slow Handler takes a minute for each thing.
type slow struct{ *diary }

func (s slow) Updated(m gossip.Member) {
	time.Sleep(time.Minute) // virtual
	s.diary.Updated(m)
}

func TestASlowHandlerHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		d := &diary{}
		h := host{n, ipOf(0)}
		g, err := gossip.New(gossip.Config{
			Name: "n0", Bind: "n0:8401", Handler: slow{d}, Listen: h.Listen, ListenPacket: h.ListenPacket, Dial: h.Dial,
		})
		if err != nil {
			t.Fatal(err)
		}
		defer g.Close()
		n1 := start(t, n, 1, gossip.Config{Join: []string{"n0:8401"}})
		time.Sleep(15 * time.Second) // virtual
		began := time.Now()
		for i := range 5 {
			if err := n1.SetTags(map[string]string{"v": fmt.Sprint(i)}); err != nil {
				t.Error(err)
			}
		}
		if took := time.Since(began); took > 15*time.Second {
			t.Errorf("five changes took %v", took)
		}
		time.Sleep(10 * time.Minute) // virtual
		lines := strings.Split(d.read(), ", ")
		if lines[0] != "joined n1" || lines[len(lines)-1] != "updated n1 4" || !slices.IsSorted(lines[1:]) {
			t.Errorf("was told %q", lines)
		}
	})
}

func TestAnEndIsAnEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newNetwork()
		n0 := start(t, n, 0, gossip.Config{})
		n1 := start(t, n, 1, gossip.Config{Join: []string{"n0:8401", "n7:8401"}})
		n2 := start(t, n, 2, gossip.Config{Join: []string{"n8:8401"}})
		n.part(0, 2, true)
		time.Sleep(15 * time.Second) // virtual
		waiting := make(chan error, 2)
		go func() { waiting <- n1.Join(t.Context(), []string{"n8:8401"}) }()
		go func() { waiting <- n2.Join(t.Context(), []string{"n0:8401"}) }() // dials, and nobody answers
		time.Sleep(5 * time.Second)                                          // virtual

		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := n1.Leave(ctx); err == nil {
			t.Error("Leave returns nil although its context has ended")
		}
		var closers sync.WaitGroup
		for range 2 {
			for _, g := range []node{n0, n1, n2} {
				closers.Go(func() {
					if err := g.Close(); err != nil {
						t.Error(err)
					}
				})
			}
		}
		closers.Wait()
		for range 2 {
			if err := <-waiting; !errors.Is(err, gossip.ErrClosed) {
				t.Errorf("Join: %v", err)
			}
		}
		for _, err := range []error{
			n0.Leave(t.Context()), n0.SetTags(nil), n0.Join(t.Context(), []string{"n1:8401"}),
		} {
			if !errors.Is(err, gossip.ErrClosed) {
				t.Errorf("after Close: %v", err)
			}
		}
	})
}

func TestWhatIsWrongWithAConfigIsSaid(t *testing.T) {
	n := newNetwork()
	h := host{n, ipOf(0)}
	for _, c := range []struct {
		config gossip.Config
		want   string
	}{
		{gossip.Config{Name: "a/b"}, `the name "a/b"`},
		{gossip.Config{Name: strings.Repeat("a", 129)}, "1 to 128"},
		{gossip.Config{Key: []byte("short")}, "the key has 5 bytes; want 16, 24 or 32"},
		{gossip.Config{Bind: "n0"}, `cannot listen on "n0"`},
		{gossip.Config{Bind: "0.0.0.0:1"}, "say in Advertise"},
		{gossip.Config{Advertise: "0.0.0.0:1"}, "cannot be reached"},
		{gossip.Config{Advertise: "10.0.0.1:http!"}, "the port to advertise"},
		{gossip.Config{Join: []string{"n1"}}, `"n1" is no address`},
		{gossip.Config{Join: []string{"n1:0"}}, `"n1:0" is no address`},
		{gossip.Config{Join: []string{"x/n1:1"}}, `"x/n1:1" is no address`},
		{gossip.Config{Tags: map[string]string{"a": strings.Repeat("b", 600)}}, "the tags need 611 bytes"},
	} {
		c.config.Listen, c.config.ListenPacket, c.config.Dial = h.Listen, h.ListenPacket, h.Dial
		if c.config.Name == "" {
			c.config.Name = "n0"
		}
		if c.config.Bind == "" {
			c.config.Bind = "n0:8401"
		}
		g, err := gossip.New(c.config)
		if err == nil {
			g.Close()
		}
		if err == nil || !strings.HasPrefix(err.Error(), "gossip: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}

func TestAHostToAdvertiseIsResolvedToTheSortThatIsListenedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := start(t, newNetwork(), 0, gossip.Config{
			Advertise: "pod-0.log",
			Resolve: func(_ context.Context, host string) ([]netip.Addr, error) {
				if host != "pod-0.log" {
					return nil, errors.New("no such host")
				}
				return []netip.Addr{netip.MustParseAddr("fd00::1"), netip.MustParseAddr("10.0.0.9")}, nil
			},
		})
		expect(t, "advertised", g.Addr(), "10.0.0.9:8401")
	})
}

func TestWhatMattersIsLoggedAndWhatSerfSaysOnlyAtDebug(t *testing.T) {
	for _, level := range []slog.Level{slog.LevelInfo, slog.LevelDebug} {
		synctest.Test(t, func(t *testing.T) {
			var log bytes.Buffer
			n := newNetwork()
			g := start(t, n, 1, gossip.Config{
				Join:   []string{"n0:8401"},
				Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: level})),
			})
			time.Sleep(time.Minute) // virtual
			start(t, n, 0, gossip.Config{})
			time.Sleep(time.Minute) // virtual
			g.Close()
			warned, joined := strings.Count(log.String(), "level=WARN"), strings.Count(log.String(), "level=INFO")
			if warned != 1 || joined != 1 {
				t.Errorf("%d warnings and %d news, want one of each:\n%s", warned, joined, &log)
			}
			if got := strings.Contains(log.String(), "memberlist"); got != (level == slog.LevelDebug) {
				t.Errorf("memberlist speaks at %v: %v", level, got)
			}
		})
	}
}
