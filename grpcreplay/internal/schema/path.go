// Paths that name fields.

package schema

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// A Path names fields of messages: see [ParsePath].
type Path struct {
	method   string // "" for any
	fields   string // as it was written
	segments []string
}

// Paths are several of them.
type Paths []Path

// anyDepth stands in a path for any number of fields, also none.
const anyDepth = "**"

// anyOne stands in a path for one field, or for the elements of a list or map.
const anyOne = "*"

// maxSegments bounds how deep a path goes.
const maxSegments = 100

// ParsePath reads a path. It is one of
//
//	pay.v1.GetRequest.request_id   a field's full name: wherever the field occurs
//	meta.items.*.time              names of fields, from the message's root
//	**.time                        at any depth
//	/pay.v1.Pay/Get:meta.time      only in that method's messages
//
// Fields go by their name in the .proto file, their name in JSON, or their
// number if they are unknown. "*" stands for one field of any name and, after
// a list or map, for its elements; it may be left out there. The fields of the
// message in a google.protobuf.Any follow the Any directly.
func ParsePath(s string) (Path, error) {
	p := Path{fields: s}
	if strings.HasPrefix(s, "/") {
		method, fields, ok := strings.Cut(s, ":")
		if !ok || strings.Count(method, "/") != 2 || strings.HasSuffix(method, "/") {
			return Path{}, fmt.Errorf("path %q: a method is written /pkg.Service/Method: and then a path", s)
		}
		p.method, p.fields = method, fields
	}
	p.segments = strings.Split(p.fields, ".")
	if len(p.segments) > maxSegments {
		return Path{}, fmt.Errorf("path %.40q...: it has %d names, more than %d", s, len(p.segments), maxSegments)
	}
	for _, segment := range p.segments {
		if err := checkSegment(segment); err != nil {
			return Path{}, fmt.Errorf("path %q: %w", s, err)
		}
	}
	if last := p.segments[len(p.segments)-1]; last == anyDepth {
		return Path{}, fmt.Errorf("path %q: ** needs the name of a field after it", s)
	}
	p.segments = slices.CompactFunc(p.segments, func(a, b string) bool { return a == anyDepth && b == anyDepth })
	return p, nil
}

func checkSegment(s string) error {
	if s == anyOne || s == anyDepth {
		return nil
	}
	if s == "" {
		return fmt.Errorf("a name between its dots is empty")
	}
	for _, c := range s {
		if !isNameRune(c) {
			return fmt.Errorf("%q holds %q: names have letters, digits and _, else write * or **", s, c)
		}
	}
	return nil
}

func isNameRune(c rune) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// ParsePaths reads several.
func ParsePaths(texts []string) (Paths, error) {
	paths := make(Paths, 0, len(texts))
	for _, text := range texts {
		p, err := ParsePath(text)
		if err != nil {
			return nil, err
		}
		paths = append(paths, p)
	}
	return paths, nil
}

// String returns the path as ParsePath reads it.
func (p Path) String() string {
	if p.method == "" {
		return p.fields
	}
	return p.method + ":" + p.fields
}

// For returns those of the paths that hold for a method ("/pkg.Service/Method").
func (p Paths) For(method string) Paths {
	elsewhere := func(p Path) bool { return p.method != "" && p.method != method }
	if !slices.ContainsFunc(p, elsewhere) {
		return p
	}
	return slices.DeleteFunc(slices.Clone(p), elsewhere)
}

// text returns all paths' fields; equal texts mean the same.
func (p Paths) text() string {
	var b strings.Builder
	for _, path := range p {
		b.WriteString(path.fields)
		b.WriteByte('\n')
	}
	return b.String()
}

// A place is how far a message's fields have followed each path: pairs of a
// path and the segment that is to match next, sorted.
type place []step

type step struct{ path, next int }

// text returns the place as bytes; equal texts are equal places.
func (at place) text() string {
	if len(at) == 0 {
		return ""
	}
	var b []byte
	for _, s := range at {
		b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(s.path)), uint64(s.next))
	}
	return string(b)
}

// start is the place at a message's root.
func (p Paths) start() place {
	var at place
	for i := range p {
		at = p.reach(at, step{i, 0})
	}
	return at
}

// reach adds a step, and the one beyond if "**" may stand for nothing.
func (p Paths) reach(at place, s step) place {
	if !slices.Contains(at, s) {
		at = append(at, s)
	}
	if segments := p[s.path].segments; s.next < len(segments) && segments[s.next] == anyDepth {
		return p.reach(at, step{s.path, s.next + 1})
	}
	return at
}

// A target is a field that a path may name.
type target struct {
	desc   protoreflect.FieldDescriptor // nil if unknown
	number protoreflect.FieldNumber
}

// enter returns the place within a field, and whether a path names the field itself.
func (p Paths) enter(at place, f target) (within place, named bool) {
	for _, s := range at {
		segments := p[s.path].segments
		switch segment := segments[s.next]; {
		case segment == anyDepth && f.desc != nil:
			within = p.reach(within, s)
		case f.matches(segment):
			s.next++
			if f.hasElements() && s.next < len(segments) && segments[s.next] == anyOne {
				s.next++
			}
			if s.next == len(segments) {
				return nil, true
			}
			within = p.reach(within, s)
		}
	}
	return within, false
}

func (f target) matches(segment string) bool {
	if f.desc == nil {
		return segment == strconv.Itoa(int(f.number))
	}
	return segment == anyOne || segment == f.desc.TextName() || segment == f.desc.JSONName() ||
		segment == string(f.desc.Name())
}

func (f target) hasElements() bool { return f.desc != nil && (f.desc.IsList() || f.desc.IsMap()) }

// names tells whether one of the paths is the full name of a field.
func (p Paths) names(fd protoreflect.FieldDescriptor) bool {
	full := string(fd.FullName())
	return slices.ContainsFunc(p, func(p Path) bool { return p.fields == full })
}
