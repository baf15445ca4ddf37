// One direction of a connection: what arrived and is unread, and what travels.

// Package flow is the pure heart of a stream: a queue of bytes in two zones
// with a read policy. It knows no lock, clock or goroutine.
package flow

// A Flow holds the bytes of one direction, oldest first, in two zones:
//
//	[ unread | in flight ]
//
// Unread bytes have arrived and wait to be read; bytes in flight wait for
// their time. Without delay, bytes go straight to unread.
//
// Invariants: 1. the zones' lengths add up to the ring's; 2. bytes leave only
// from the front of unread; 3. visible <= unread.
type Flow struct {
	ring    ring
	unread  int
	visible int // what the policy lets reads see; kept only under a policy
	policy  Policy
}

// Len returns the bytes of both zones: what counts against the window.
func (f *Flow) Len() int { return f.ring.len }

// Unread returns how many bytes have arrived and were not read.
func (f *Flow) Unread() int { return f.unread }

// Put appends b as arrived. Nothing may be in flight.
func (f *Flow) Put(b []byte) {
	f.ring.push(b)
	f.unread += len(b)
}

// Send appends b as in flight.
func (f *Flow) Send(b []byte) { f.ring.push(b) }

// Land makes the n oldest bytes in flight arrive.
func (f *Flow) Land(n int) { f.unread += min(n, f.ring.len-f.unread) }

// Readable returns how many bytes a read may take now. ended tells that no
// more will arrive, which ends every policy's waiting.
func (f *Flow) Readable(ended bool) int {
	if f.policy.mode == anyhow {
		return f.unread
	}
	if f.visible == 0 {
		f.visible = f.policy.next(f.unread, ended)
	}
	return f.visible
}

// Read takes up to len(b) readable bytes.
func (f *Flow) Read(b []byte, ended bool) int {
	n := f.ring.copyTo(b[:min(len(b), f.Readable(ended))])
	f.Skip(n)
	return n
}

// Skip takes n unread bytes away.
func (f *Flow) Skip(n int) {
	f.ring.drop(n)
	f.unread -= n
	if f.policy.mode != anyhow {
		f.visible -= min(n, f.visible)
	}
}

// Rest gives back memory when the flow is empty and its memory large.
func (f *Flow) Rest() { f.ring.rest() }

// SetPolicy changes what reads may see from now on.
func (f *Flow) SetPolicy(p Policy) { f.policy, f.visible = p, 0 }

// Peek returns a copy of the unread bytes, and of those in flight.
func (f *Flow) Peek() (unread, flying []byte) {
	all := make([]byte, f.ring.len)
	f.ring.copyTo(all)
	return all[:f.unread:f.unread], all[f.unread:]
}

// Recall takes back the bytes in flight and returns them.
func (f *Flow) Recall() []byte {
	_, flying := f.Peek()
	f.ring.truncate(f.unread)
	return flying
}

// Retract takes back the n bytes that arrived last and were not read.
func (f *Flow) Retract(n int) {
	flying := f.Recall()
	f.unread -= min(n, f.unread)
	f.ring.truncate(f.unread)
	f.visible = min(f.visible, f.unread)
	f.Send(flying)
}

// Inject lets b arrive behind what is unread, before what is in flight.
func (f *Flow) Inject(b []byte) {
	flying := f.Recall()
	f.Put(b)
	f.Send(flying)
}

// Steal takes all readable bytes out without copying them, as at most two
// pieces. The caller gives their memory back by calling done. ok is false when
// a policy or bytes in flight make that impossible.
func (f *Flow) Steal() (pieces [][]byte, done func(), ok bool) {
	if f.policy.mode != anyhow || f.unread == 0 || f.unread != f.ring.len {
		return pieces, nil, false
	}
	buf, head, n := f.ring.buf, f.ring.head, f.ring.len
	first := min(n, len(buf)-head)
	pieces = append(pieces, buf[head:head+first])
	if first < n {
		pieces = append(pieces, buf[:n-first])
	}
	f.ring, f.unread = ring{}, 0
	return pieces, func() { release(buf) }, true
}
