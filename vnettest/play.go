// Scripts: a story told line by line, for peers, steps and faults.

package vnettest

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing/synctest"
	"time"

	"github.com/rehearse-go/rehearse/vnet"
)

// Play plays a script, one command a line; blank lines and lines that begin
// with # are for the reader. A command that cannot be carried out, and a peer
// that sees something else than it expects, ends the test at its line.
//
//	dial P app api:80     connect as app; P is the name of the peer
//	pend P app api:80     likewise, but leave it in the backlog
//	provide P api:80      answer the next dial to api:80
//	accept [P]            let the first pending connection be accepted, or P's
//	P > "text"            send; Go's quoting
//	P < "text"            expect exactly this next
//	P line "text"         expect this line
//	P match regexp        expect a match
//	P nothing             expect nothing, not even an end
//	P eof | P reset       expect the end, or a reset
//	P close | P closewrite | P abort     end it: both ways, one way, by a reset
//	P policy exactly|atmost|atleast N    cut what the program reads
//	P pause | P resume    keep the program from reading
//	hold | release        hold the network, or let it run
//	step [N] | flush      deliver the next N segments, or all that wait
//	drain D | sleep D     let time pass, delivering what comes, or not
//	waits "text"          the next segment to be delivered is printed so
//	fault TEXT            as vnet.ParseFault reads it
//	heal                  end all faults of the script
func Play(t *T, script string) {
	t.Helper()
	p := &player{t: t, peers: map[string]*Peer{}}
	for i, line := range strings.Split(script, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		t.Logf("%3d  %s", i+1, line)
		if err := p.play(strings.Fields(line), line); err != nil {
			t.Fatalf("vnettest: script line %d: %s: %v", i+1, line, err)
		}
		synctest.Wait()
	}
}

// player is a script at work.
type player struct {
	t     *T
	peers map[string]*Peer
	heals []func()
}

// play carries out one line. What a failed expectation says stands behind the
// line in the test's log.
func (p *player) play(words []string, line string) error {
	p.t.Helper()
	if peer := p.peers[words[0]]; peer != nil {
		return p.speak(peer, words[1:], strings.TrimSpace(strings.TrimPrefix(line, words[0])))
	}
	c, found := commands[words[0]]
	switch args := len(words) - 1; {
	case !found:
		return fmt.Errorf("no such command and no such peer; commands are %v", slices.Sorted(maps.Keys(commands)))
	case args < c.least || args > c.most:
		return fmt.Errorf("takes %d to %d words, not %d", c.least, c.most, args)
	}
	return c.do(p, words[1:], strings.TrimSpace(strings.TrimPrefix(line, words[0])))
}

// command is one verb of a script that is not a peer's.
type command struct {
	least, most int
	do          func(p *player, args []string, rest string) error
}

const many = 1 << 10

var commands = map[string]command{
	"dial":    {3, 3, func(p *player, a []string, _ string) error { return p.join(a[0], p.t.Dial(a[1], a[2])) }},
	"pend":    {3, 3, func(p *player, a []string, _ string) error { return p.join(a[0], p.t.Pend(a[1], a[2])) }},
	"provide": {2, 2, func(p *player, a []string, _ string) error { return p.join(a[0], p.t.Provide(a[1])) }},
	"accept":  {0, 1, (*player).accept},
	"hold":    {0, 0, func(p *player, _ []string, _ string) error { p.t.Hold(); return nil }},
	"release": {0, 0, func(p *player, _ []string, _ string) error { p.t.Release(); return nil }},
	"step":    {0, 1, (*player).step},
	"flush":   {0, 0, func(p *player, _ []string, _ string) error { p.t.Flush(); return nil }},
	"drain":   {1, 1, (*player).pass},
	"sleep":   {1, 1, (*player).pass},
	"waits":   {1, many, (*player).waits},
	"fault":   {2, many, (*player).fault},
	"heal":    {0, 0, (*player).heal},
}

func (p *player) join(name string, peer *Peer) error {
	p.peers[name] = peer
	return nil
}

func (p *player) accept(args []string, _ string) error {
	if len(args) == 0 {
		if p.t.AcceptOne() == nil {
			return fmt.Errorf("nothing is pending")
		}
		return nil
	}
	peer := p.peers[args[0]]
	if peer == nil {
		return fmt.Errorf("no peer %q", args[0])
	}
	c := peer.End().Conn()
	for l := range p.t.Listeners() {
		if l.Accept(c) {
			return nil
		}
	}
	return fmt.Errorf("%v is not pending", c)
}

func (p *player) step(args []string, _ string) error {
	n := 1
	if len(args) > 0 {
		var err error
		if n, err = strconv.Atoi(args[0]); err != nil {
			return err
		}
	}
	for range n {
		seg, ok := p.t.TryStep()
		if !ok {
			return fmt.Errorf("nothing waits")
		}
		p.t.Logf("     %v", seg)
	}
	return nil
}

func (p *player) pass(args []string, _ string) error {
	d, err := time.ParseDuration(args[0])
	if err != nil {
		return err
	}
	if p.t.Holding() {
		p.t.Drain(d)
		return nil
	}
	time.Sleep(d)
	return nil
}

func (p *player) waits(_ []string, rest string) error {
	want, err := strconv.Unquote(rest)
	if err != nil {
		return fmt.Errorf("%s is not a quoted text", rest)
	}
	for seg := range p.t.Waiting() {
		if got := seg.String(); got != want {
			return fmt.Errorf("what waits first is %q", got)
		}
		return nil
	}
	return fmt.Errorf("nothing waits")
}

func (p *player) fault(_ []string, rest string) error {
	f, err := vnet.ParseFault(rest)
	if err != nil {
		return err
	}
	end, err := p.t.Fault(f)
	p.heals = append(p.heals, end)
	return err
}

func (p *player) heal([]string, string) error {
	for _, end := range p.heals {
		end()
	}
	p.heals = nil
	return nil
}

// speak carries out a peer's verb; rest is the line behind the peer's name.
func (p *player) speak(peer *Peer, words []string, rest string) error {
	p.t.Helper()
	if len(words) == 0 {
		return fmt.Errorf("a peer's line needs a verb")
	}
	rest = strings.TrimSpace(strings.TrimPrefix(rest, words[0]))
	if act := acts[words[0]]; act != nil {
		act(peer)
		return nil
	}
	switch words[0] {
	case "policy":
		return peer.policy(words[1:])
	case "match":
		peer.ExpectMatch(rest)
		return nil
	}
	say := texts[words[0]]
	if say == nil {
		return fmt.Errorf("a peer cannot %q", words[0])
	}
	text, err := strconv.Unquote(rest)
	if err != nil {
		return fmt.Errorf("%s is not a quoted text", rest)
	}
	say(peer, text)
	return nil
}

// acts are a peer's verbs without an argument, texts those with a text.
var (
	acts = map[string]func(*Peer){
		"nothing": (*Peer).ExpectNothing, "eof": (*Peer).ExpectEOF, "reset": (*Peer).ExpectReset,
		"close": (*Peer).Close, "closewrite": (*Peer).CloseWrite, "abort": (*Peer).Reset,
		"pause":  func(p *Peer) { p.Remote().Pause() },
		"resume": func(p *Peer) { p.Remote().Resume() },
	}
	texts = map[string]func(*Peer, string){
		">": (*Peer).Send, "<": (*Peer).Expect, "line": (*Peer).ExpectLine,
	}
	policies = map[string]func(int) vnet.ReadPolicy{
		"exactly": vnet.Exactly, "atmost": vnet.AtMost, "atleast": vnet.AtLeast,
	}
)

func (p *Peer) policy(words []string) error {
	if len(words) != 2 || policies[words[0]] == nil {
		return fmt.Errorf("a policy is exactly, atmost or atleast, and a number")
	}
	n, err := strconv.Atoi(words[1])
	if err != nil || n <= 0 {
		return fmt.Errorf("%q is not a number of bytes", words[1])
	}
	p.Remote().SetReadPolicy(policies[words[0]](n))
	return nil
}
