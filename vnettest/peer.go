// A scripted peer: speaks to a program byte by byte, and says what came back.

package vnettest

import (
	"fmt"
	"regexp"
	"strings"
	"testing/synctest"
	"time"

	"github.com/rehearse-go/rehearse/vnet"
)

// Patience is how long, of the bubble's time, a Peer waits for what it
// expects.
const Patience = 10 * time.Second

// A Peer is one end of a connection without a program: the test speaks
// through it. Whatever it does, it waits until the program rests.
type Peer struct {
	t   *T
	end *vnet.End
}

// Dial connects from the named host to who listens on addr ("api:80") and
// returns the client's end. The program accepts it as any other.
func (t *T) Dial(from, addr string) *Peer {
	t.Helper()
	p := t.Pend(from, addr)
	t.Listener(addr).Accept(p.end.Conn())
	return p
}

// Pend is Dial for a connection that stays in the backlog until the test lets
// it be accepted: t.Listener(addr).AcceptOne().
func (t *T) Pend(from, addr string) *Peer {
	t.Helper()
	synctest.Wait()
	return &Peer{t, t.Listener(addr).Pend(from)}
}

// Provide lets the next dial to addr succeed though nobody listens there, and
// returns the end that answers it.
func (t *T) Provide(addr string) *Peer { return &Peer{t, t.Network.Provide(addr)} }

// End returns the peer's end, which no program holds.
func (p *Peer) End() *vnet.End { return p.end }

// Remote returns the end that the program holds.
func (p *Peer) Remote() *vnet.End { return p.end.Peer() }

// Send lets s arrive at the program, at once, and waits for rest.
func (p *Peer) Send(s string) {
	p.t.Helper()
	switch remote := p.Remote(); {
	case remote.IsReset():
		p.t.Fatalf("vnettest: Send(%s): the program's end was reset", clip(s))
	default:
		remote.Inject([]byte(s))
		synctest.Wait()
	}
}

// Expect takes exactly want off what the program sent, waiting up to Patience
// for it; if something else came, or nothing, the test ends.
func (p *Peer) Expect(want string) {
	p.t.Helper()
	got := p.await(func(got string) bool { return len(got) >= len(want) || !strings.HasPrefix(want, got) })
	if !strings.HasPrefix(got, want) {
		p.t.Fatalf("vnettest: the program sent something else%s\n%s", p.ending(), compare(want, got))
	}
	p.end.Take(len(want))
}

// ExpectLine takes one line, which ends in "\n" or "\r\n", and compares it
// without its ending.
func (p *Peer) ExpectLine(want string) {
	p.t.Helper()
	if got := p.Line(); got != want {
		p.t.Fatalf("vnettest: the program sent another line\n%s", compare(want, got))
	}
}

// Line takes one line and returns it without its ending.
func (p *Peer) Line() string {
	p.t.Helper()
	got := p.await(func(got string) bool { return strings.Contains(got, "\n") })
	line, _, found := strings.Cut(got, "\n")
	if !found {
		p.t.Fatalf("vnettest: the program sent no whole line%s\n  got  %s", p.ending(), clip(got))
	}
	p.end.Take(len(line) + 1)
	return strings.TrimSuffix(line, "\r")
}

// ExpectMatch takes what the regular expression matches at the beginning of
// what the program sent, and returns the match and its groups. The expression
// should say where it ends: it is tried on what has come so far.
func (p *Peer) ExpectMatch(expr string) []string {
	p.t.Helper()
	re, err := regexp.Compile(`\A(?:` + expr + `)`)
	if err != nil {
		p.t.Fatalf("vnettest: ExpectMatch: %v", err)
	}
	got := p.await(re.MatchString)
	m := re.FindStringSubmatch(got)
	if m == nil {
		p.t.Fatalf("vnettest: the program sent nothing that matches%s\n  want %s\n  got  %s",
			p.ending(), expr, clip(got))
	}
	p.end.Take(len(m[0]))
	return m
}

// ExpectNothing fails the test when something has come that was not taken: a
// byte, an end or a reset. No time passes.
func (p *Peer) ExpectNothing() {
	p.t.Helper()
	p.settle()
	if got := p.end.Unread(); len(got) > 0 || p.end.Ended() || p.end.IsReset() {
		p.t.Fatalf("vnettest: nothing was expected%s\n  got  %s", p.ending(), clip(string(got)))
	}
}

// ExpectEOF waits for the program to end its direction, with nothing left to
// take.
func (p *Peer) ExpectEOF() {
	p.t.Helper()
	p.await(func(got string) bool { return got != "" || p.end.Ended() })
	if got := p.end.Unread(); len(got) > 0 || !p.end.Ended() {
		p.t.Fatalf("vnettest: the end was expected%s\n  got  %s", p.ending(), clip(string(got)))
	}
}

// ExpectReset waits for the program to reset the connection.
func (p *Peer) ExpectReset() {
	p.t.Helper()
	p.await(func(string) bool { return p.end.IsReset() })
	if !p.end.IsReset() {
		p.t.Fatalf("vnettest: a reset was expected%s\n  got  %s", p.ending(), clip(string(p.end.Unread())))
	}
}

// CloseWrite ends the peer's direction: the program reads io.EOF.
func (p *Peer) CloseWrite() {
	p.end.NetConn().(interface{ CloseWrite() error }).CloseWrite()
	p.arrive()
}

// Close closes the peer's end as a program would: with a reset when something
// was not taken.
func (p *Peer) Close() {
	p.end.NetConn().Close()
	p.arrive()
}

// Reset resets the connection: the program sees ECONNRESET.
func (p *Peer) Reset() {
	p.end.Reset()
	p.arrive()
}

// Silent makes the peer take nothing any more, without a word: what the
// program sends fills the window.
func (p *Peer) Silent() { p.end.Pause() }

// arrive lets what the peer did arrive at the program.
func (p *Peer) arrive() {
	p.Remote().Deliver()
	synctest.Wait()
}

// settle lets everything the program sent arrive here.
func (p *Peer) settle() {
	synctest.Wait()
	p.end.Deliver()
}

// await waits up to Patience until enough of what came, and returns it.
func (p *Peer) await(enough func(got string) bool) string {
	limit := time.Now().Add(Patience)
	for p.settle(); ; {
		got := string(p.end.Unread())
		left := time.Until(limit)
		if enough(got) || p.end.Ended() || p.end.IsReset() || left <= 0 || !p.end.Wait(left) {
			return string(p.end.Unread())
		}
		synctest.Wait()
	}
}

// ending tells how the program's direction stands, for a failure's first line.
func (p *Peer) ending() string {
	switch {
	case p.end.IsReset():
		return ", and the connection is reset"
	case p.end.Ended():
		return ", and has ended its direction"
	}
	return ""
}

// compare shows both sides from shortly before where they part.
func compare(want, got string) string {
	at := 0
	for at < len(want) && at < len(got) && want[at] == got[at] {
		at++
	}
	from := max(0, at-20)
	shared := clip(want[from:at])
	indent := len(shared) - 1 // without its closing quote
	return fmt.Sprintf("  want %s\n  got  %s\n       %s^ byte %d", clip(want[from:]), clip(got[min(from, len(got)):]),
		strings.Repeat(" ", indent), at)
}

// clip quotes s, cut after a few lines' worth.
func clip(s string) string {
	const most = 400
	if len(s) > most {
		return fmt.Sprintf("%q and %d bytes more", s[:most], len(s)-most)
	}
	return fmt.Sprintf("%q", s)
}
