// What a call asks and what it is answered, compared.

package cause

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"math"
	"slices"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// A digest stands for a method and all that the client said; equal ones ask
// the same. Metadata takes no part: it holds the ids of traces.
type digest [sha256.Size]byte

// A digester makes digests, with one hash and one buffer for all of them.
type digester struct {
	hash hash.Hash
	head []byte // what comes before the next message
}

func newDigester() *digester { return &digester{hash: sha256.New()} }

func (d *digester) request(c *tape.Call) (sum digest) {
	d.hash.Reset()
	d.head = append(d.head[:0], c.Method...)
	for i := range c.Events {
		if e := &c.Events[i]; e.Kind == tape.Send {
			d.head = binary.LittleEndian.AppendUint64(d.head, uint64(len(e.Message)))
			d.hash.Write(d.head)
			d.hash.Write(e.Message)
			d.head = d.head[:0]
		}
	}
	d.hash.Write(d.head)
	d.head = d.hash.Sum(d.head[:0])
	return digest(d.head)
}

// sameAnswer tells whether two calls were answered alike: messages and status.
func sameAnswer(a, b *tape.Call) bool {
	x, y := answers(a), answers(b)
	return slices.EqualFunc(x, y, func(e, f *tape.Event) bool {
		return e.Kind == f.Kind && bytes.Equal(e.Message, f.Message) && sameStatus(&e.Status, &f.Status)
	})
}

func sameStatus(a, b *tape.Status) bool {
	return a.Code == b.Code && a.Message == b.Message && a.Plain == b.Plain &&
		slices.EqualFunc(a.Details, b.Details, func(x, y tape.Any) bool {
			return x.Type == y.Type && bytes.Equal(x.Value, y.Value)
		})
}

// answers returns the messages and the status. Headers are left out: dates
// and ids of requests stand in them.
func answers(c *tape.Call) (events []*tape.Event) {
	for i := range c.Events {
		if k := c.Events[i].Kind; k == tape.Recv || k == tape.End {
			events = append(events, &c.Events[i])
		}
	}
	return events
}

// unary tells whether one message asks and at most one answers. Without a
// schema it is seen from what happened.
func unary(c *tape.Call) bool {
	if c.Shape != tape.Unknown {
		return c.Shape == tape.Unary
	}
	sends, recvs := 0, 0
	for i := range c.Events {
		switch c.Events[i].Kind {
		case tape.Send:
			sends++
		case tape.Recv:
			recvs++
		}
	}
	return sends == 1 && recvs <= 1
}

// heard returns the Order of the first message or status that the client got,
// and the highest number if it got none.
func heard(c *tape.Call) int {
	for i := range c.Events {
		if k := c.Events[i].Kind; k == tape.Recv || k == tape.End {
			return c.Events[i].Order
		}
	}
	return math.MaxInt
}
