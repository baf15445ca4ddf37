// Reading grpcreplay's text form.

package foreign

import (
	"bytes"
	"errors"
	"regexp"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/schema"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// readText reads the text form. It is read twice: first for the types that it
// names, so that all that are missing can be told at once.
func readText(b []byte, program *schema.Set, limits tape.Limits) (*tape.Tape, error) {
	file := textFile{text: b, limit: limits.Message}
	types := newTypes(program)
	if err := file.check(types); err != nil {
		return nil, err
	}
	r := newReplay(program, "grpcreplay")
	msg := dynamicpb.NewMessage(types.entry)
	initial, err := file.each(func(line int, text []byte) error {
		here := place{line: line}
		proto.Reset(msg)
		if err := (prototext.UnmarshalOptions{Resolver: types, AllowPartial: true}).Unmarshal(text, msg); err != nil {
			return textFault(err, line, r.entries+1)
		}
		wire, err := proto.MarshalOptions{AllowPartial: true, Deterministic: true}.Marshal(msg)
		if err != nil {
			return here.fault("entry %d cannot be encoded: %v", r.entries+1, err)
		}
		return r.add(wire, here)
	})
	if err != nil {
		return nil, err
	}
	r.tape.Head.Initial = initial
	return r.finish()
}

// textPlace is how prototext tells where in an entry it stopped.
var textPlace = regexp.MustCompile(`\(line (\d+):\d+\):? ?`)

// textFault says what prototext found, at the file's line and not the entry's.
func textFault(err error, line, entry int) error {
	text := strings.ReplaceAll(err.Error(), "\u00a0", " ")
	if at := textPlace.FindStringSubmatch(text); at != nil {
		if n, err := strconv.Atoi(at[1]); err == nil {
			line += n - 1
		}
		text = strings.Replace(text, at[0], "", 1)
	}
	return place{line: line}.fault("entry %d cannot be read: %s (if it was edited, the number of bytes above it "+
		"has to be changed too)", entry, text)
}

// A textFile is a file of the text form.
type textFile struct {
	text  []byte
	limit int64 // of an entry's bytes
}

// each calls visit with every entry and the line on which it begins, and
// returns the initial state.
func (f textFile) each(visit func(line int, text []byte) error) (initial []byte, err error) {
	rest := f.text[len(textMagic):]
	if len(rest) == 0 {
		return nil, nil // the recorder writes on only with the first entry
	}
	if mark, after, whole := bytes.Cut(rest, []byte("\n")); whole && len(bytes.TrimRight(mark, "\r")) == 0 {
		rest = after
	} else {
		return nil, place{line: 1}.fault("%q is not followed by the end of the line", textMagic)
	}
	quoted, rest, whole := bytes.Cut(rest, []byte("\n"))
	if !whole {
		return nil, place{line: 2}.fault("the file is cut within the initial state")
	}
	if initial, err = unquote(string(quoted)); err != nil {
		return nil, err
	}
	for line := 3; len(rest) > 0; {
		var entry []byte
		if entry, rest, err = f.entry(rest, line); err != nil {
			return nil, err
		}
		if err := visit(line+1, entry); err != nil {
			return nil, err
		}
		line += 1 + bytes.Count(entry, []byte("\n"))
	}
	return initial, nil
}

// unquote reads the line of the initial state. An empty line stands for none.
func unquote(quoted string) ([]byte, error) {
	if quoted == "" {
		return nil, nil
	}
	s, err := strconv.Unquote(quoted)
	if err != nil {
		return nil, place{line: 2}.fault("the initial state is no string as Go quotes it")
	}
	return []byte(s), nil
}

// entry cuts the next entry off: a line that says how many bytes it has, and
// the bytes.
func (f textFile) entry(b []byte, line int) (entry, rest []byte, err error) {
	here := place{line: line}
	count, rest, whole := bytes.Cut(b, []byte("\n"))
	if !whole {
		return nil, nil, here.fault("the file is cut within the number of bytes of an entry")
	}
	n, err := strconv.ParseInt(string(bytes.TrimSpace(count)), 10, 64)
	switch {
	case err != nil || n < 0:
		return nil, nil, here.fault("the number of bytes of the next entry should stand here, not %.40q "+
			"(if the entry above was edited, the number above it has to be changed too)", count)
	case n > f.limit:
		return nil, nil, here.fault("an entry says it has %d bytes, more than the %d allowed: "+
			"the file is damaged, or raise Limits.Message", n, f.limit)
	case n > int64(len(rest)):
		return nil, nil, here.fault("the file is cut within an entry: %d of its %d bytes are there", len(rest), n)
	}
	return rest[:n:n], rest[n:], nil
}

// maxDepth bounds how deep messages may lie within each other, as the decoders
// of the binary form do.
const maxDepth = 10000

var errDeep = errors.New("messages lie too deep within each other")

// check finds the types that the file names and nobody knows. All are told in
// one error, in the order in which they occur.
func (f textFile) check(types *types) error {
	var missing []string
	seen, at := map[string]bool{}, 0
	_, err := f.each(func(line int, text []byte) error {
		err := namedTypes(text, func(url string) {
			name := typeName(url)
			if seen[name] {
				return
			}
			seen[name] = true
			if types.message(name) != nil {
				return
			}
			if missing = append(missing, name); at == 0 {
				at = line
			}
		})
		if err != nil {
			return place{line: line}.fault("%v: at most %d levels are read", err, maxDepth)
		}
		return nil
	})
	if err == nil && len(missing) > 0 {
		return place{line: at}.fault("the text form can be read only with the types of its messages, and these are "+
			"not known: %s; import the packages that define them, or pass a set of descriptors that holds them",
			strings.Join(missing, ", "))
	}
	return err
}

// namedTypes calls visit with the URL of every expanded Any in a text:
// "[type.googleapis.com/pkg.Type]" outside of strings and comments.
func namedTypes(text []byte, visit func(url string)) error {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"', '\'':
			i = stringEnd(text, i)
		case '#':
			for i+1 < len(text) && text[i+1] != '\n' {
				i++
			}
		case '{', '<':
			if depth++; depth > maxDepth {
				return errDeep
			}
		case '}', '>':
			depth--
		case '[':
			url := bracketed(text[i+1:])
			i += len(url)
			if bytes.IndexByte(url, '/') > 0 && i+1 < len(text) && text[i+1] == ']' {
				visit(string(bytes.Join(bytes.Fields(url), nil)))
			}
		}
	}
	return nil
}

// stringEnd returns where the string that begins at i has its closing quote,
// or the text's end.
func stringEnd(text []byte, i int) int {
	quote := text[i]
	for i++; i < len(text) && text[i] != quote; i++ {
		if text[i] == '\\' {
			i++
		}
	}
	return i
}

// bracketed returns what b begins with of the characters of type URLs.
func bracketed(b []byte) []byte {
	for i, c := range b {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && !strings.ContainsRune("/._-~%!$&()*+,;= \t\r\n", rune(c)) {
			return b[:i]
		}
	}
	return b
}

// A types finds the types that a text names: the program's, and that of
// statuses, which occurs in every file with an error.
type types struct {
	*schema.Set
	entry  protoreflect.MessageDescriptor
	status protoreflect.MessageDescriptor
}

// message returns a type, or nil.
func (t *types) message(name string) protoreflect.MessageDescriptor {
	if md := t.Set.Message(name); md != nil {
		return md
	}
	if name == statusType {
		return t.status
	}
	return nil
}

// FindMessageByURL makes types a resolver of what is in an Any.
func (t *types) FindMessageByURL(url string) (protoreflect.MessageType, error) {
	return t.FindMessageByName(protoreflect.FullName(typeName(url)))
}

// FindMessageByName makes types a resolver of messages.
func (t *types) FindMessageByName(name protoreflect.FullName) (protoreflect.MessageType, error) {
	if md := t.message(string(name)); md != nil {
		return dynamicpb.NewMessageType(md), nil
	}
	return t.Set.FindMessageByName(name)
}
