// What of a message type has to be looked at, worked out once.

package redact

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

// A secrecy says what of a field is secret whatever it holds.
type secrecy uint8

const (
	open  secrecy = iota // nothing
	texts                // its texts and bytes: it is named like a secret
	all                  // every leaf: debug_redact, or a rule for the field
)

const anyName = "google.protobuf.Any"

// A form is how a field is gone through.
type form uint8

const (
	asNumber form = iota
	asText
	asBytes
	asMessage
	asEntry // of a map
	asAny   // a google.protobuf.Any
)

// A field is the plan of a field.
type field struct {
	fd      protoreflect.FieldDescriptor
	form    form
	secrecy secrecy
	verdict verdict
	sub     *plan // of a message, and of a map's entry
	needs   bool  // it must be looked into even if no token is in the message
}

// A plan is what is known of a message type.
type plan struct {
	fields []*field // by number, as far as that is small
	others map[protowire.Number]*field
	needs  bool // it must be gone through even if no token is in it
	any    bool // it is a google.protobuf.Any
}

// mostDense is the highest number of a field that is found by index.
const mostDense = 255

// field returns the plan of a field, or nil.
func (p *plan) field(number protowire.Number) *field {
	if int(number) < len(p.fields) {
		return p.fields[number]
	}
	return p.others[number]
}

func (p *plan) add(number protowire.Number, f *field) {
	if number > mostDense {
		if p.others == nil {
			p.others = map[protowire.Number]*field{}
		}
		p.others[number] = f
		return
	}
	for len(p.fields) <= int(number) {
		p.fields = append(p.fields, nil)
	}
	p.fields[number] = f
}

// plan returns the plan of a message type.
func (r *Redactor) plan(md protoreflect.MessageDescriptor) *plan {
	if p, ok := r.plans.Load(md); ok {
		return p.(*plan)
	}
	b := planner{r: r, plans: map[protoreflect.MessageDescriptor]*plan{}, users: map[*plan][]use{}}
	p := b.build(md)
	for md, p := range b.plans {
		r.plans.LoadOrStore(md, p)
	}
	return p
}

// A planner makes the plans of a type and of all types below it, which may
// contain each other.
type planner struct {
	r     *Redactor
	plans map[protoreflect.MessageDescriptor]*plan
	users map[*plan][]use // by the type that is used
}

// A use is a field of a type, and the type that has the field.
type use struct {
	by    *plan
	field *field
}

func (b *planner) build(md protoreflect.MessageDescriptor) *plan {
	if p, ok := b.r.plans.Load(md); ok {
		return p.(*plan)
	}
	if p := b.plans[md]; p != nil {
		return p
	}
	p := &plan{any: md.FullName() == anyName}
	p.needs = p.any
	b.plans[md] = p
	for i := range md.Fields().Len() {
		b.field(p, md.Fields().Get(i))
	}
	if b.r.schema != nil && md.ExtensionRanges().Len() > 0 {
		b.r.schema.RangeExtensionsByMessage(md.FullName(), func(x protoreflect.ExtensionType) bool {
			b.field(p, x.TypeDescriptor().Descriptor())
			return true
		})
	}
	return p
}

func (b *planner) field(p *plan, fd protoreflect.FieldDescriptor) {
	f := &field{fd: fd, form: formOf(fd)}
	if f.form >= asMessage {
		f.sub = b.build(fd.Message())
		b.users[f.sub] = append(b.users[f.sub], use{p, f})
	}
	if !fd.ContainingMessage().IsMapEntry() { // whose fields are called key and value
		f.judge(&b.r.names, b.r.names.fields[string(fd.FullName())] || debugRedact(fd))
	}
	p.add(fd.Number(), f)
	byKey := f.form == asEntry && fd.MapKey().Kind() == protoreflect.StringKind && textual(fd.MapValue())
	if f.secrecy > open || f.form == asAny || byKey || f.sub != nil && f.sub.needs {
		b.need(use{p, f})
	}
}

// need notes that a field must be looked into, and with it all that lead to it.
func (b *planner) need(u use) {
	for todo := []use{u}; len(todo) > 0; {
		u, todo = todo[len(todo)-1], todo[:len(todo)-1]
		u.field.needs = true
		if !u.by.needs {
			u.by.needs = true
			todo = append(todo, b.users[u.by]...)
		}
	}
}

func formOf(fd protoreflect.FieldDescriptor) form {
	switch fd.Kind() {
	case protoreflect.StringKind:
		return asText
	case protoreflect.BytesKind:
		return asBytes
	case protoreflect.MessageKind, protoreflect.GroupKind:
	default:
		return asNumber
	}
	switch {
	case fd.Message() == nil || fd.Message().IsPlaceholder():
		return asBytes
	case fd.IsMap():
		return asEntry
	case fd.Message().FullName() == anyName:
		return asAny
	}
	return asMessage
}

// judge decides how secret a field is. Marked ones are so by their full name
// or by debug_redact.
func (f *field) judge(n *names, marked bool) {
	f.verdict = n.field(string(f.fd.Name()))
	switch {
	case n.kept[string(f.fd.FullName())]:
		f.verdict = kept
	case marked && f.verdict != kept:
		f.verdict, f.secrecy = hidden, all
	case f.verdict == hidden && textual(f.fd):
		f.secrecy = texts
	}
}

// textual tells whether the name of a field tells of what it holds: texts and
// bytes, also as values of a map, in a wrapper, or as JSON.
func textual(fd protoreflect.FieldDescriptor) bool {
	if fd.IsMap() {
		return textual(fd.MapValue())
	}
	if fd.Message() == nil {
		return fd.Kind() == protoreflect.StringKind || fd.Kind() == protoreflect.BytesKind
	}
	switch fd.Message().FullName() {
	case "google.protobuf.StringValue", "google.protobuf.BytesValue",
		"google.protobuf.Value", "google.protobuf.ListValue", "google.protobuf.Struct":
		return true
	}
	return false
}

// debugRedact tells whether the schema says that a field is not to be shown:
// descriptor.proto, FieldOptions.debug_redact.
func debugRedact(fd protoreflect.FieldDescriptor) bool {
	options, ok := fd.Options().(*descriptorpb.FieldOptions)
	return ok && options.GetDebugRedact()
}
