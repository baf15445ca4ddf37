// Equal messages have equal canonical forms, and others have not.

package schema_test

import (
	"bytes"
	"sync"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/schema"
)

// A disorder writes a message's bytes otherwise, so that they mean the same.
type disorder struct{ maker }

func (r disorder) message(md protoreflect.MessageDescriptor, wire []byte) (out []byte) {
	var fields [][][]byte // by number, in the order of their first
	at := map[protowire.Number]int{}
	for len(wire) > 0 {
		number, typ, tag := protowire.ConsumeTag(wire)
		size := tag + protowire.ConsumeFieldValue(number, typ, wire[tag:])
		i, ok := at[number]
		if !ok {
			i = len(fields)
			fields = append(fields, nil)
			at[number] = i
		}
		fields[i] = append(fields[i], r.field(r.desc(md, number), wire[:size], tag)...)
		wire = wire[size:]
	}
	for len(fields) > 0 {
		i := r.IntN(len(fields))
		out = append(out, fields[i][0]...)
		if fields[i] = fields[i][1:]; len(fields[i]) == 0 {
			fields = append(fields[:i], fields[i+1:]...)
		}
	}
	return out
}

func (r disorder) desc(md protoreflect.MessageDescriptor, number protowire.Number) protoreflect.FieldDescriptor {
	if fd := md.Fields().ByNumber(number); fd != nil {
		return fd
	}
	if xt, err := r.set.FindExtensionByNumber(md.FullName(), number); err == nil {
		return xt.TypeDescriptor().Descriptor()
	}
	return nil
}

// field returns one field as one or several.
func (r disorder) field(fd protoreflect.FieldDescriptor, raw []byte, tag int) [][]byte {
	if fd == nil {
		return [][]byte{raw}
	}
	value, n := protowire.ConsumeBytes(raw[tag:])
	tagged := func(b []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, fd.Number(), protowire.BytesType), b)
	}
	switch {
	case fd.Kind() == protoreflect.GroupKind:
		value, _ = protowire.ConsumeGroup(fd.Number(), raw[tag:])
		out := protowire.AppendTag(nil, fd.Number(), protowire.StartGroupType)
		out = append(out, r.message(fd.Message(), value)...)
		return [][]byte{protowire.AppendTag(out, fd.Number(), protowire.EndGroupType)}
	case n < 0:
		return [][]byte{raw}
	case fd.IsMap():
		return [][]byte{tagged(r.message(fd.Message(), value))}
	case fd.Message() != nil && fd.Message().FullName() == "google.protobuf.Any":
		return [][]byte{tagged(r.any(value))}
	case fd.Message() != nil:
		value = r.message(fd.Message(), value)
		cut := 0
		if _, _, n := protowire.ConsumeField(value); n > 0 && !fd.IsList() {
			cut = n
		}
		if cut == 0 {
			return [][]byte{tagged(value)}
		}
		return [][]byte{tagged(value[:cut]), tagged(value[cut:])}
	case fd.IsPacked() && len(value) > 0:
		return r.unpack(fd, value)
	}
	return [][]byte{raw}
}

func (r disorder) any(value []byte) []byte {
	var url, content []byte
	for rest := value; len(rest) > 0; {
		number, _, n := protowire.ConsumeField(rest)
		_, _, tag := protowire.ConsumeTag(rest)
		v, _ := protowire.ConsumeBytes(rest[tag:])
		if number == 1 {
			url = v
		} else {
			content = v
		}
		rest = rest[n:]
	}
	if md := r.set.Message(string(url)); md != nil && md.FullName() != "google.protobuf.Any" {
		content = r.message(md, content)
	}
	out := protowire.AppendBytes(protowire.AppendTag(nil, 2, protowire.BytesType), content)
	return protowire.AppendBytes(protowire.AppendTag(out, 1, protowire.BytesType), url)
}

func (r disorder) unpack(fd protoreflect.FieldDescriptor, value []byte) (out [][]byte) {
	typ := protowire.VarintType
	if fd.Kind() == protoreflect.DoubleKind {
		typ = protowire.Fixed64Type
	}
	for len(value) > 0 {
		n := protowire.ConsumeFieldValue(1, typ, value)
		out = append(out, append(protowire.AppendTag(nil, fd.Number(), typ), value[:n]...))
		value = value[n:]
	}
	return out
}

func TestMessagesThatAreEqualHaveOneCanonicalForm(t *testing.T) {
	s := testSet(t)
	c := s.Canon(all(s), nil)
	moved := 0
	for seed := range uint64(1500) {
		r, wire := random(t, s, all(s), seed)
		canon := c.Append(nil, wire)
		if want, got := parse(t, s, all(s), wire), parse(t, s, all(s), canon); !sameWithAny(s, want, got) {
			t.Fatalf("seed %d: %x\nmeans something else as %x", seed, wire, canon)
		}
		other := disorder{r}.message(all(s), wire)
		if !bytes.Equal(other, canon) {
			moved++
		}
		if got := c.Append([]byte("dst"), other)[3:]; !bytes.Equal(got, canon) {
			t.Fatalf("seed %d: %x\nbecame %x\nand    %x", seed, wire, canon, got)
		}
		if got := c.Append(nil, canon); !bytes.Equal(got, canon) {
			t.Fatalf("seed %d: the form of the form %x\nis %x", seed, canon, got)
		}
	}
	if moved < 500 {
		t.Errorf("only %d messages were not in canonical form: the test shows little", moved)
	}
}

// sameWithAny compares what the library makes of two messages. Within Anys it
// cannot: there the bytes are in canonical form on one side only, so that it
// brings both to it.
func sameWithAny(s *schema.Set, a, b proto.Message) bool {
	settle(s, a.ProtoReflect())
	settle(s, b.ProtoReflect())
	return proto.Equal(a, b)
}

func settle(s *schema.Set, m protoreflect.Message) {
	if m.Descriptor().FullName() == "google.protobuf.Any" {
		fields := m.Descriptor().Fields()
		md := s.Message(m.Get(fields.ByNumber(1)).String())
		if md != nil {
			value := s.Canon(md, nil).Append(nil, m.Get(fields.ByNumber(2)).Bytes())
			m.Set(fields.ByNumber(2), protoreflect.ValueOfBytes(value))
		}
		return
	}
	m.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case fd.IsMap() && fd.MapValue().Message() != nil:
			v.Map().Range(func(_ protoreflect.MapKey, v protoreflect.Value) bool {
				settle(s, v.Message())
				return true
			})
		case fd.IsList() && fd.Message() != nil:
			for i := range v.List().Len() {
				settle(s, v.List().Get(i).Message())
			}
		case fd.Message() != nil && !fd.IsMap() && !fd.IsList():
			settle(s, v.Message())
		}
		return true
	})
}

func TestOtherMessagesHaveOtherForms(t *testing.T) {
	s := testSet(t)
	c := s.Canon(all(s), nil)
	forms := map[string]proto.Message{}
	for seed := range uint64(1000) {
		_, wire := random(t, s, all(s), seed)
		m := parse(t, s, all(s), wire)
		form := string(c.Append(nil, wire))
		if other, ok := forms[form]; ok && !sameWithAny(s, m, other) {
			t.Fatalf("seed %d: the form %x stands for two messages", seed, form)
		}
		forms[form] = m
	}
}

func TestOneFormServesManyAtOnce(t *testing.T) {
	s := testSet(t)
	_, wire := random(t, s, all(s), 7)
	want := s.Canon(all(s), nil).Append(nil, wire)
	fresh := testSet(t)
	watch := fresh.Watch(func(fd protoreflect.FieldDescriptor) bool { return fd != nil && fd.Name() == "i" })
	var at sync.WaitGroup
	for range 8 {
		at.Go(func() {
			if got := fresh.Canon(all(fresh), nil).Append(nil, wire); !bytes.Equal(got, want) {
				t.Errorf("got %x\nwant %x", got, want)
			}
			leave := func(*schema.Field) ([]byte, bool) { return nil, false }
			if got := watch.Walk(all(fresh), wire, leave); !bytes.Equal(got, wire) {
				t.Error("the walk changed something")
			}
		})
	}
	at.Wait()
}

func TestWhatIsAlreadyCanonicalCostsNoMemory(t *testing.T) {
	s := testSet(t)
	wire, err := s.Wire(all(s), []byte(`{"i": 1, "child": {"i": 2}, "any": {"@type": "a/test.v1.All", "i": 1}}`))
	if err != nil {
		t.Fatal(err)
	}
	c, dst := s.Canon(all(s), nil), make([]byte, 0, 2*len(wire))
	if n := testing.AllocsPerRun(100, func() { c.Append(dst, wire) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
