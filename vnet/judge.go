// What rules and links decide about one transmission, and what is recorded.

package vnet

import (
	"strconv"
	"time"

	"github.com/rehearse-go/rehearse/internal/chance"
	"github.com/rehearse-go/rehearse/journal"
)

// judge asks the rules and the link. It returns what travels and how; ok is
// false when nothing does. While the rules run c.mu is let go; the stream's
// writing turn keeps the order.
func (s *stream) judge(k kind, b []byte) (sent []byte, f fate, ok bool) {
	n, p := s.c.net, s.peer()
	if p.towards().lost {
		p.lose(len(b))
		return nil, f, false
	}
	var extra time.Duration
	if n.is(ruling) {
		v, lost := s.verdict(k, b)
		switch {
		case lost:
			p.lose(len(b))
			return nil, f, false
		case v.Reset:
			p.die(resetErr)
			s.die(resetErr)
			return nil, f, false
		case v.Replace != nil && k == data:
			b = v.Replace
		}
		extra = v.Delay
		if k == data && s.has(dead) || p.wire.lost {
			return nil, f, false
		}
	}
	if !s.link.plain.Load() {
		p.wire.count++
		var d chance.Draws
		if s.link.chancy() {
			d = s.draws()
		}
		f = s.link.carry(len(b), d, firstResend)
		if f.losses > 0 {
			n.recordFate(f, s.host, p.host, s.c.name())
		}
	}
	f.delay += extra
	return b, f, true
}

// recordFate notes what loss did to a transmission.
func (n *Network) recordFate(f fate, from, to *Host, conn string) {
	if !n.is(recording) {
		return
	}
	resent := strconv.Itoa(f.losses)
	if f.lost {
		resent = "until the sender gave up"
	}
	n.append(journal.Event{
		Kind: "fault.loss", Where: from.name, Peer: to.name, Subject: conn,
		Notes: []journal.Note{{Key: "resent", Value: resent}},
	})
}

// draws returns the chances of the transmission that is being sent.
func (s *stream) draws() chance.Draws {
	w := s.peer().wire
	if w.key == 0 {
		w.key = s.c.net.key(s.c.name())
	}
	count := w.count << 1
	if s == &s.c.ends[1] {
		count++
	}
	return chance.Keyed(w.key, count)
}

// verdict asks the rules until one transmission is not dropped; each drop
// costs TCP's growing timeout. lost tells that time ran out.
func (s *stream) verdict(k kind, b []byte) (v Verdict, lost bool) {
	n := s.c.net
	seg := s.segment(k, b)
	s.c.mu.Unlock()
	defer s.c.mu.Lock()
	return n.ask(seg, firstResend)
}

// ask puts seg before the rules; no lock is held.
func (n *Network) ask(seg Segment, resend time.Duration) (v Verdict, lost bool) {
	var waited time.Duration
	for {
		v, decided := n.rules.Decide(seg)
		if decided {
			n.recordVerdict(seg, v.check())
		}
		if !v.Drop {
			v.Delay += waited
			return v, false
		}
		if waited += resend; waited > n.cfg.GiveUp || seg.Datagram {
			return v, true
		}
		resend *= 2
	}
}

// segment describes a transmission of s.
func (s *stream) segment(k kind, b []byte) Segment {
	p := s.peer()
	return Segment{
		Conn: s.c.name(),
		From: hostPort(s.host, s.addr), To: hostPort(p.host, p.addr),
		Data: append([]byte(nil), b...),
		Fin:  k == fin, Rst: k == rst,
	}
}

var sendKinds = [...]journal.Kind{data: "net.send", fin: "net.fin", rst: "net.rst"}

// noteSend records that s sends, if there is a journal, and returns the
// event's Seq. It and recordSend are two, as recordArrival is apart from its
// caller, so that a timer's small stack holds an event only when there is one.
func (s *stream) noteSend(k kind, b []byte) int {
	if !s.c.net.is(recording) {
		return 0
	}
	return s.recordSend(k, b)
}

func (s *stream) recordSend(k kind, b []byte) int {
	return s.c.net.append(journal.Event{
		Kind: sendKinds[k], Where: s.host.name, Peer: s.peer().host.name,
		Subject: s.c.name(), Body: b,
	})
}

// recordArrival notes that a transmission reached p. It spells append out, to
// have the event on the stack once.
func (p *stream) recordArrival(size, cause int) {
	n := p.c.net
	n.cfg.Journal.Append(journal.Event{
		Step: int(n.step.Load()), Kind: "net.deliver", Where: p.host.name, Peer: p.peer().host.name,
		Subject: p.c.name(), Cause: cause, Size: size,
	})
}

// record notes something else that happened to s.
func (s *stream) record(k journal.Kind, cause int) {
	if s.c.net.is(recording) {
		s.c.net.append(journal.Event{
			Kind: k, Where: s.host.name, Peer: s.peer().host.name,
			Subject: s.c.name(), Cause: cause,
		})
	}
}

// recordVerdict notes a rule's decision.
func (n *Network) recordVerdict(seg Segment, v Verdict) {
	if what := v.String(); what != "pass" && n.is(recording) {
		from, to := seg.hosts()
		n.append(journal.Event{
			Kind: "fault.rule", Where: from, Peer: to, Subject: seg.Conn,
			Size: len(seg.Data), Notes: []journal.Note{{Key: "verdict", Value: what}, {Key: "on", Value: seg.what()}},
		})
	}
}

// append adds e to the journal, with the step at hand.
func (n *Network) append(e journal.Event) int {
	e.Step = int(n.step.Load())
	return n.cfg.Journal.Append(e)
}

// recordLoss notes that the test lost e.
func (n *Network) recordLoss(e *entry) {
	if n.is(recording) {
		from, to := e.seg.hosts()
		n.append(journal.Event{
			Kind: "net.drop", Where: from, Peer: to, Subject: e.seg.Conn, Cause: e.cause,
			Size: len(e.seg.Data), Notes: []journal.Note{{Key: "why", Value: "lost by the test"}},
		})
	}
}
