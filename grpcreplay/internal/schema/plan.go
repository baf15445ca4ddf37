// What is known beforehand of a type whose messages are brought to canonical form.

package schema

import (
	"maps"
	"sync"
	"sync/atomic"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// rules are paths to ignore, and the plans of types under them.
type rules struct {
	set    *Set
	ignore Paths
	plans  sync.Map // planKey -> *plan
}

// A planKey names a plan: a type at a place that paths have come to.
type planKey struct {
	md protoreflect.MessageDescriptor
	at string
}

// A plan says how to treat the fields of a message.
type plan struct {
	rules  *rules
	at     place
	isAny  bool
	oneofs int
	dense  []*fieldPlan // by number
	sparse map[protowire.Number]*fieldPlan
	held   atomic.Pointer[map[string]*plan] // of an Any: what it has held, by URL; replaced, never changed
}

// A class says what to do with a field.
type class uint8

const (
	opaque  class = iota // kept as it is: its meaning is unknown
	ignored              // left out
	varint
	fixed
	content // string, bytes
	message // a group, too
	mapped
)

// A fieldPlan says how to treat a field.
type fieldPlan struct {
	class    class
	kind     protoreflect.Kind
	typ      protowire.Type
	list     bool
	packed   bool // a list that is declared packed
	implicit bool // zero means absent
	oneof    int  // its oneof's index and 1; 0 if in none

	md    protoreflect.MessageDescriptor // of message
	at    place
	child atomic.Pointer[plan]

	key, value *fieldPlan // of mapped
}

// maxDense bounds the table of fields by number.
const maxDense = 128

// field returns how to treat a field, or nil if it is unknown.
func (p *plan) field(number protowire.Number) *fieldPlan {
	if uint(number) < uint(len(p.dense)) {
		return p.dense[number]
	}
	if p.sparse == nil {
		return nil
	}
	return p.sparse[number]
}

func (p *plan) put(number protowire.Number, f *fieldPlan) {
	if number > maxDense {
		if p.sparse == nil {
			p.sparse = map[protowire.Number]*fieldPlan{}
		}
		p.sparse[number] = f
		return
	}
	for len(p.dense) <= int(number) {
		p.dense = append(p.dense, nil)
	}
	p.dense[number] = f
}

// plan returns the plan of a type, nil if unknown, at a place.
func (r *rules) plan(md protoreflect.MessageDescriptor, at place) *plan {
	key := planKey{md, at.text()}
	if p, ok := r.plans.Load(key); ok {
		return p.(*plan)
	}
	p := &plan{rules: r, at: at}
	p.addUnknown()
	if md != nil {
		p.isAny = isAny(md)
		p.oneofs = md.Oneofs().Len()
		p.addKnown(md)
	}
	kept, _ := r.plans.LoadOrStore(key, p)
	return kept.(*plan)
}

// isAny tells whether a type is google.protobuf.Any, as it should be.
func isAny(md protoreflect.MessageDescriptor) bool {
	if md.FullName() != "google.protobuf.Any" {
		return false
	}
	url, value := md.Fields().ByNumber(1), md.Fields().ByNumber(2)
	return url != nil && value != nil &&
		url.Kind() == protoreflect.StringKind && value.Kind() == protoreflect.BytesKind &&
		!url.IsList() && !value.IsList()
}

// addUnknown adds what paths say of fields by their number.
func (p *plan) addUnknown() {
	for _, s := range p.at {
		number, ok := fieldNumber(p.rules.ignore[s.path].segments[s.next])
		if !ok || p.field(number) != nil {
			continue
		}
		within, named := p.rules.ignore.enter(p.at, target{number: number})
		if named {
			p.put(number, &fieldPlan{class: ignored})
		} else {
			p.put(number, &fieldPlan{class: message, typ: protowire.BytesType, list: true, at: within})
		}
	}
}

// fieldNumber reads the number of a field.
func fieldNumber(s string) (number protowire.Number, ok bool) {
	for _, c := range s {
		if c < '0' || c > '9' || number > protowire.MaxValidNumber/10 {
			return 0, false
		}
		number = number*10 + protowire.Number(c-'0')
	}
	return number, number.IsValid()
}

// addKnown adds the fields of a type, and its extensions.
func (p *plan) addKnown(md protoreflect.MessageDescriptor) {
	for i := range md.Fields().Len() {
		p.addField(md.Fields().Get(i))
	}
	if md.ExtensionRanges().Len() == 0 {
		return
	}
	for _, xd := range p.rules.set.extensions(md.FullName()) {
		p.addField(xd)
	}
}

func (p *plan) addField(fd protoreflect.FieldDescriptor) {
	within, named := p.rules.ignore.enter(p.at, target{fd, fd.Number()})
	if named || p.rules.ignore.names(fd) {
		p.put(fd.Number(), &fieldPlan{class: ignored})
		return
	}
	f := newFieldPlan(fd)
	f.at = within
	if fd.IsMap() {
		f.key, f.value = newFieldPlan(fd.MapKey()), newFieldPlan(fd.MapValue())
		f.key.implicit, f.value.implicit = false, false
		f.value.at = within
		if p.rules.ignore.names(fd.MapValue()) {
			f.value.class = ignored
		}
	}
	if of := fd.ContainingOneof(); of != nil && !of.IsSynthetic() {
		f.oneof = of.Index() + 1
	}
	p.put(fd.Number(), f)
}

func newFieldPlan(fd protoreflect.FieldDescriptor) *fieldPlan {
	f := &fieldPlan{
		kind:     fd.Kind(),
		typ:      wireType(fd.Kind()),
		list:     fd.IsList(),
		packed:   fd.IsPacked(),
		implicit: !fd.HasPresence(),
	}
	switch {
	case fd.IsMap():
		f.class = mapped
	case fd.Message() != nil:
		f.class, f.md = message, fd.Message()
	case f.typ == protowire.BytesType:
		f.class = content
	case f.typ == protowire.VarintType:
		f.class = varint
	default:
		f.class = fixed
	}
	return f
}

// wireType returns how one value of a kind stands on the wire.
func wireType(kind protoreflect.Kind) protowire.Type {
	switch kind {
	case protoreflect.StringKind, protoreflect.BytesKind, protoreflect.MessageKind:
		return protowire.BytesType
	case protoreflect.GroupKind:
		return protowire.StartGroupType
	case protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind, protoreflect.FloatKind:
		return protowire.Fixed32Type
	case protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind, protoreflect.DoubleKind:
		return protowire.Fixed64Type
	default:
		return protowire.VarintType
	}
}

// within returns the plan of a field's messages.
func (p *plan) within(f *fieldPlan) *plan {
	if child := f.child.Load(); child != nil {
		return child
	}
	child := p.rules.plan(f.md, f.at)
	f.child.Store(child)
	return child
}

// inside returns the plan of what an Any of that URL holds, or nil.
func (p *plan) inside(url []byte) *plan {
	held := p.held.Load()
	if held != nil {
		if within := (*held)[string(url)]; within != nil {
			return within
		}
	}
	md := p.rules.set.Message(string(url))
	if md == nil {
		return nil
	}
	within := p.rules.plan(md, p.at)
	more := map[string]*plan{string(url): within}
	if held != nil && len(*held) < maxHeld {
		maps.Copy(more, *held)
	}
	p.held.Store(&more)
	return within
}

// maxHeld bounds how many URLs an Any remembers: one type goes by many.
const maxHeld = 256

// normal returns the varint that stands for the same value as v and that
// marshalling writes: parsers take the low bits only.
func (f *fieldPlan) normal(v uint64) uint64 {
	switch f.kind {
	case protoreflect.BoolKind:
		return protowire.EncodeBool(v != 0)
	case protoreflect.Int32Kind, protoreflect.EnumKind:
		return uint64(int64(int32(v)))
	case protoreflect.Uint32Kind, protoreflect.Sint32Kind:
		return uint64(uint32(v))
	default:
		return v
	}
}

// A Canon brings messages of one type to canonical form.
type Canon struct{ root *plan }

// Canon returns the canonical form of md's messages, without the fields that
// ignore names. md may be nil: then only the order of top-level fields is made
// the same. A path limited to a method is taken as if it were not: see
// [Paths.For]. The same arguments cost little again.
//
// In canonical form fields ascend by number, and fields that are unknown keep
// their bytes, their order, and come after those of one number that are known; of
// single values the last stands, of a oneof the last member; messages that
// came in parts are merged; maps ascend by key; lists of numbers are packed if
// they are declared so, and not if not; implicit zeros are absent; what is known
// takes as few bytes as it can. That holds in messages within, and in
// an Any whose type is known.
func (s *Set) Canon(md protoreflect.MessageDescriptor, ignore Paths) *Canon {
	r := &rules{set: s, ignore: ignore}
	if s != nil {
		kept, _ := s.rules.LoadOrStore(ignore.text(), r)
		r = kept.(*rules)
	}
	return &Canon{r.plan(md, ignore.start())}
}
