// Which types a recording needs to be read without the program.

package grpcreplay

import (
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/schema"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// typesOf returns the descriptors of what is on a tape, as far as they are
// known: of its methods, and of what is in an Any.
func typesOf(t *tape.Tape, b *book) []byte {
	known := b.set()
	x := typeSearch{book: b, known: known, seen: make(map[string]bool)}
	x.watch = known.Watch(func(fd protoreflect.FieldDescriptor) bool {
		return fd != nil && fd.FullName() == "google.protobuf.Any.type_url"
	})
	for _, c := range t.Calls() {
		x.call(c)
	}
	return b.set().Used(x.methods, x.messages)
}

// A typeSearch gathers names of methods and types, each once.
type typeSearch struct {
	book              *book
	known             *schema.Set // when the search began
	watch             *schema.Watch
	seen              map[string]bool
	methods, messages []string
}

func (x *typeSearch) call(c *tape.Call) {
	x.add(&x.methods, c.Method)
	in, out := x.known.Input(c.Method), x.known.Output(c.Method)
	for i := range c.Events {
		switch e := &c.Events[i]; e.Kind {
		case tape.Send:
			x.message(in, e.Message)
		case tape.Recv:
			x.message(out, e.Message)
		case tape.End:
			for _, d := range e.Status.Details {
				x.add(&x.messages, d.Type)
				x.message(x.book.learnType(d.Type).Message(d.Type), d.Value)
			}
		}
	}
}

// message adds the types in a message's Anys.
func (x *typeSearch) message(md protoreflect.MessageDescriptor, b []byte) {
	if md == nil || !x.watch.Wants(md) {
		return
	}
	x.watch.Walk(md, b, func(f *schema.Field) ([]byte, bool) {
		x.add(&x.messages, string(f.Value))
		x.book.learnType(string(f.Value))
		return nil, false
	})
}

func (x *typeSearch) add(list *[]string, name string) {
	if !x.seen[name] {
		x.seen[name] = true
		*list = append(*list, name)
	}
}
