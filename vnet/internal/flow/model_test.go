// A flow against a model of two plain slices, with random and fuzzed operations.

package flow_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/rehearse-go/rehearse/vnet/internal/flow"
)

// A model says in the plainest way what a flow does.
type model struct {
	unread, flying []byte
	policy         flow.Policy
	visible        int
}

func (m *model) readable(ended bool) int {
	name, n := m.policy.Mode()
	have := len(m.unread)
	switch {
	case name == "any":
		return have
	case m.visible > 0:
	case name == "at most":
		m.visible = min(n, have)
	case have < n && !ended:
		m.visible = 0
	case name == "exactly":
		m.visible = min(n, have)
	default:
		m.visible = have
	}
	return m.visible
}

func (m *model) skip(n int) []byte {
	taken := m.unread[:n]
	m.unread = m.unread[n:]
	m.visible = max(m.visible-n, 0)
	return taken
}

// A pairing does everything to both and compares.
type pairing struct {
	flow  flow.Flow
	model model
	next  byte // so that no two neighbours are equal
}

func (p *pairing) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		p.next += 37
		b[i] = p.next
	}
	return b
}

// do does operation op with the number n, and says where the two differ.
func (p *pairing) do(op byte, n int) error {
	f, m := &p.flow, &p.model
	switch op % 11 {
	case 0:
		if err := p.put(n); err != nil {
			return err
		}
	case 1:
		b := p.bytes(n)
		f.Send(b)
		m.flying = append(m.flying, b...)
	case 2:
		f.Land(n)
		k := min(n, len(m.flying))
		m.unread = append(m.unread, m.flying[:k]...)
		m.flying = m.flying[k:]
	case 3, 4:
		return p.read(n, op%11 == 4)
	case 5:
		n = min(n, len(m.unread))
		f.Skip(n)
		m.skip(n)
	case 6:
		f.Rest()
	case 7:
		m.policy = []flow.Policy{{}, flow.Exactly(n), flow.AtMost(n), flow.AtLeast(n)}[n%4]
		m.visible = 0
		f.SetPolicy(m.policy)
	case 8:
		b := p.bytes(n)
		f.Inject(b)
		m.unread = append(m.unread, b...)
	case 9:
		f.Retract(n)
		m.unread = m.unread[:len(m.unread)-min(n, len(m.unread))]
		m.visible = min(m.visible, len(m.unread))
	case 10:
		return p.steal()
	}
	return p.compare()
}

// put appends n bytes as arrived, which is allowed while nothing flies.
func (p *pairing) put(n int) error {
	m := &p.model
	if len(m.flying) > 0 {
		if got := p.flow.Recall(); !bytes.Equal(got, m.flying) {
			return fmt.Errorf("recalled %d bytes; want %d, and those", len(got), len(m.flying))
		}
		m.flying = nil
	}
	b := p.bytes(n)
	p.flow.Put(b)
	m.unread = append(m.unread, b...)
	return nil
}

// steal takes everything, where that is possible.
func (p *pairing) steal() error {
	m := &p.model
	name, _ := m.policy.Mode()
	pieces, done, ok := p.flow.Steal()
	if want := name == "any" && len(m.unread) > 0 && len(m.flying) == 0; ok != want {
		return fmt.Errorf("stolen: %v, want %v", ok, want)
	}
	if !ok {
		return p.compare()
	}
	if got := bytes.Join(pieces, nil); !bytes.Equal(got, m.unread) {
		return fmt.Errorf("stole %d bytes; want %d, and those", len(got), len(m.unread))
	}
	m.unread = nil
	done()
	return p.compare()
}

func (p *pairing) read(n int, ended bool) error {
	buf := make([]byte, n)
	got := buf[:p.flow.Read(buf, ended)]
	want := p.model.skip(min(n, p.model.readable(ended)))
	if !bytes.Equal(got, want) {
		return fmt.Errorf("read %d bytes; want %d, and those", len(got), len(want))
	}
	return p.compare()
}

func (p *pairing) compare() error {
	unread, flying := p.flow.Peek()
	switch m := &p.model; {
	case !bytes.Equal(unread, m.unread):
		return fmt.Errorf("%d bytes are unread; want %d, and those", len(unread), len(m.unread))
	case !bytes.Equal(flying, m.flying):
		return fmt.Errorf("%d bytes are in flight; want %d, and those", len(flying), len(m.flying))
	case p.flow.Unread() != len(unread) || p.flow.Len() != len(unread)+len(flying):
		return fmt.Errorf("Unread %d, Len %d; want %d, %d",
			p.flow.Unread(), p.flow.Len(), len(unread), len(unread)+len(flying))
	case p.flow.Capacity() < p.flow.Len():
		return fmt.Errorf("%d bytes in a memory of %d", p.flow.Len(), p.flow.Capacity())
	}
	return nil
}

func TestAFlowDoesWhatTheModelDoes(t *testing.T) {
	for seed := range uint64(80) {
		r := rand.New(rand.NewPCG(seed, 1))
		largest := []int{3, 70, 700, 10_000}[seed%4]
		var p pairing
		for i := range 150 {
			op, n := byte(r.IntN(9)), r.IntN(largest+1)
			if err := p.do(op, n); err != nil {
				t.Fatalf("seed %d, operation %d (kind %d, number %d): %v", seed, i, op, n, err)
			}
			if p.flow.Len() > 4*largest {
				p.do(4, p.flow.Len())
			}
		}
	}
}

// FuzzFlow reads its input as operations of three bytes: a kind and a number.
func FuzzFlow(f *testing.F) {
	f.Add([]byte{0, 0, 5, 1, 0, 9, 2, 0, 4, 3, 0, 7, 4, 1, 0})
	f.Add([]byte{7, 0, 5, 0, 0, 3, 3, 0, 9, 0, 0, 3, 3, 0, 9, 4, 0, 9})
	f.Add([]byte{0, 200, 0, 5, 190, 0, 1, 60, 0, 2, 1, 0, 8, 0, 1, 3, 255, 255, 6, 0, 0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, ops []byte) {
		var p pairing
		for i := 0; i+3 <= len(ops) && p.flow.Len() < 1<<20; i += 3 {
			n := int(ops[i+1])<<8 | int(ops[i+2])
			if err := p.do(ops[i], n); err != nil {
				t.Fatalf("operation %d (kind %d, number %d): %v", i/3, ops[i]%9, n, err)
			}
		}
	})
}
