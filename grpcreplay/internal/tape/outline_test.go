// An outline shows what unpacking shows.

package tape_test

import (
	"bytes"
	"testing"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

func FuzzOutline(f *testing.F) {
	f.Add(tape.AppendCall(nil, full))
	f.Add([]byte{0x12, 0x01, 'm', 0x12, 0x01, 'n', 0x52, 0x04, 0x08, 0x01, 0x08, 0x02})
	var o tape.Outline
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := tape.ParseCall(b)
		if err != nil {
			return
		}
		o.Fill(b)
		if string(o.Method) != c.Method || o.Shape != c.Shape {
			t.Errorf("its method is %q of shape %v, want %q, %v", o.Method, o.Shape, c.Method, c.Shape)
		}
		if len(o.Pairs) != len(c.Pairs) || len(o.Events) != len(c.Events) {
			t.Fatalf("%d pairs, %d events, want %d, %d", len(o.Pairs), len(o.Events), len(c.Pairs), len(c.Events))
		}
		for i, p := range c.Pairs {
			if string(o.Pairs[i].Key) != p.Key || string(o.Pairs[i].Value) != p.Value {
				t.Errorf("pair %d is %q, want %q", i, o.Pairs[i], p)
			}
		}
		for i, e := range c.Events {
			if o.Events[i].Kind != e.Kind || string(o.Events[i].Message) != string(e.Message) {
				t.Errorf("event %d is %v %q, want %v %q", i, o.Events[i].Kind, o.Events[i].Message, e.Kind, e.Message)
			}
			if at := o.Events[i].At; !bytes.HasPrefix(b[at:], e.Message) {
				t.Errorf("event %d begins at byte %d, want %q there", i, at, e.Message)
			}
		}
	})
}
