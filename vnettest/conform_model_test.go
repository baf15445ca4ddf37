// A model of two TCP ends with nothing under way: which operations wait, and in what state sockets are.

package vnettest_test

// A side is one end in the model.
type side struct {
	closed       bool // Close was called
	shutR, shutW bool
	finished     bool // the peer's FIN has arrived
	dead         bool // a reset has arrived, or this end sent one in answer
	unread       int
	lateR, lateW bool // deadlines that are past
}

// The states of TCP, by Linux's numbers.
const (
	established = 1
	finWait1    = 4
	finWait2    = 5
	gone        = 7
	closeWait   = 8
)

// states returns the states that a socket which is not closed must come to.
func (s *side) states() []byte {
	switch {
	case s.dead, s.shutW && s.finished:
		return []byte{gone}
	case s.shutW:
		return []byte{finWait1, finWait2} // the FIN's acknowledgement may be delayed
	case s.finished:
		return []byte{closeWait}
	}
	return []byte{established}
}

// over tells that nothing can be sent or come any more.
func (s *side) over() bool { return s.dead || s.shutW && s.finished }

// A model is both ends.
type model [2]side

// waits tells that an operation would wait for something that does not come.
func (m *model) waits(o op) bool {
	s, peer := &m[o.end], &m[1-o.end]
	switch o.kind {
	case read, readAll:
		return s.unread == 0 && !s.closed && !s.shutR && !s.finished && !s.dead && !s.lateR
	case write, writeMuch:
		return peer.unread > 32<<10
	}
	return false
}

// does brings the model to where an operation leads.
func (m *model) does(o op) {
	s, peer := &m[o.end], &m[1-o.end]
	if s.closed {
		return
	}
	switch o.kind {
	case write, writeMuch:
		if !s.lateW && !s.shutW && !s.dead {
			m.arrive(s, peer, o.room())
		}
	case read, readAll:
		if !s.lateR {
			s.unread -= min(s.unread, o.room())
		}
	case closeWrite:
		if !s.over() {
			s.shutW, peer.finished = true, true
		}
	case closeRead:
		s.shutR = s.shutR || !s.over()
	case closeBoth, abort:
		m.end(s, peer, o.kind == abort || s.unread > 0)
	case expireRead:
		s.lateR = true
	case expireWrite:
		s.lateW = true
	case unexpire:
		s.lateR, s.lateW = false, false
	}
}

// arrive is what n bytes do at the peer.
func (m *model) arrive(s, peer *side, n int) {
	switch {
	case peer.closed:
		s.dead = true
	case peer.shutR && peer.shutW:
		s.dead, peer.dead = true, true
	default:
		peer.unread += n
	}
}

// end is what Close does.
func (m *model) end(s, peer *side, abrupt bool) {
	s.closed = true
	switch {
	case s.over():
	case abrupt:
		peer.dead = true
	default:
		peer.finished = true
	}
}
