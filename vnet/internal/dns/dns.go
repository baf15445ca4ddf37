// Questions of the domain name system, and their answers.

// Package dns reads queries of the domain name system and writes the answers,
// as RFC 1035 has them: as much of it as a name server in memory needs. It
// knows no connection, lock or clock.
package dns

import (
	"encoding/binary"
	"errors"
	"strings"
)

// A Type is what a question asks for and what a record holds.
type Type uint16

// The types that have answers here.
const (
	A    Type = 1
	PTR  Type = 12
	AAAA Type = 28
	Any  Type = 255
)

// A Code is how a query was answered.
type Code uint8

// The codes that are given here.
const (
	Success        Code = 0
	FormatError    Code = 1 // the query makes no sense
	NameError      Code = 3 // there is no such name
	NotImplemented Code = 4 // not a standard query
	Refused        Code = 5 // of another class than the Internet's
)

// A Question asks for the records of a name.
type Question struct {
	Name string // without the dot at the end; "" for the root
	Type Type
}

// A Record is an answer: an address for A and AAAA, an encoded name for PTR.
type Record struct {
	Type Type
	Data []byte
}

// A Zone knows the answers: those of a name that does not exist are none and
// NameError.
type Zone func(Question) ([]Record, Code)

// The header's flags, and its length.
const (
	flagResponse  = 1 << 15
	flagAuthority = 1 << 10
	flagTruncated = 1 << 9
	flagRecursion = 1 << 8 // desired
	flagAvailable = 1 << 7
	opcode        = 0xf << 11

	headerLen = 12
)

const (
	classInternet = 1
	classAny      = 255
)

// Reply returns zone's answer to a query, or nil for what is none: too short
// for a header, or an answer itself. A query that makes no sense is answered
// with FormatError.
func Reply(msg []byte, zone Zone) []byte {
	if len(msg) < headerLen {
		return nil
	}
	flags := binary.BigEndian.Uint16(msg[2:])
	switch {
	case flags&flagResponse != 0:
		return nil
	case flags&opcode != 0:
		return reply(msg, nil, nil, NotImplemented)
	}
	q, class, end, err := parse(msg)
	switch {
	case err != nil:
		return reply(msg, nil, nil, FormatError)
	case class != classInternet && class != classAny:
		return reply(msg, msg[headerLen:end], nil, Refused)
	}
	records, code := zone(q)
	return reply(msg, msg[headerLen:end], records, code)
}

// reply writes the answer to query, whose question is repeated as it came.
func reply(query, question []byte, records []Record, code Code) []byte {
	flags := binary.BigEndian.Uint16(query[2:])&(opcode|flagRecursion) |
		flagResponse | flagAuthority | flagAvailable | uint16(code)
	b := append(make([]byte, 0, 512), query[:2]...)
	b = binary.BigEndian.AppendUint16(b, flags)
	b = binary.BigEndian.AppendUint16(b, uint16(min(1, len(question))))
	b = binary.BigEndian.AppendUint16(b, uint16(len(records)))
	b = append(b, 0, 0, 0, 0) // no authorities, nothing additional
	b = append(b, question...)
	for _, r := range records {
		b = append(b, 0xc0, headerLen) // the name is the question's
		b = binary.BigEndian.AppendUint16(b, uint16(r.Type))
		b = binary.BigEndian.AppendUint16(b, classInternet)
		b = append(b, 0, 0, 0, 0) // not to be remembered
		b = binary.BigEndian.AppendUint16(b, uint16(len(r.Data)))
		b = append(b, r.Data...)
	}
	return b
}

var errFormat = errors.New("dns: a query that makes no sense")

// parse reads the one question of a query, and that what follows are records.
func parse(msg []byte) (q Question, class uint16, end int, err error) {
	if binary.BigEndian.Uint16(msg[2:])&flagTruncated != 0 || binary.BigEndian.Uint16(msg[4:]) != 1 {
		return q, 0, 0, errFormat
	}
	name, at, err := readName(msg, headerLen)
	if err != nil || len(msg) < at+4 {
		return q, 0, 0, errFormat
	}
	q = Question{name, Type(binary.BigEndian.Uint16(msg[at:]))}
	class, end = binary.BigEndian.Uint16(msg[at+2:]), at+4
	count := 0
	for i := 6; i < headerLen; i += 2 {
		count += int(binary.BigEndian.Uint16(msg[i:]))
	}
	for at = end; count > 0; count-- {
		if at, err = skipRecord(msg, at); err != nil {
			return q, 0, 0, err
		}
	}
	return q, class, end, nil
}

// skipRecord returns where the record at msg[at:] ends.
func skipRecord(msg []byte, at int) (int, error) {
	for at < len(msg) && msg[at] != 0 && msg[at]&0xc0 == 0 {
		at += 1 + int(msg[at])
	}
	switch {
	case at >= len(msg) || msg[at] != 0 && msg[at]&0xc0 != 0xc0:
		return 0, errFormat
	case msg[at] != 0:
		at++ // a pointer's second byte
	}
	at += 1 + 8 // type, class, time to live
	if len(msg) < at+2 {
		return 0, errFormat
	}
	at += 2 + int(binary.BigEndian.Uint16(msg[at:]))
	if len(msg) < at {
		return 0, errFormat
	}
	return at, nil
}

// The longest label and the longest name, in bytes as they are sent.
const (
	maxLabel = 63
	maxName  = 255
)

// readName reads the name at msg[at:], in which nothing may be pointed at, and
// returns where it ends. A dot within a label becomes "\.".
func readName(msg []byte, at int) (name string, end int, err error) {
	var b strings.Builder
	for start := at; ; {
		if at >= len(msg) || msg[at] > maxLabel {
			return "", 0, errFormat
		}
		size := int(msg[at])
		at++
		if size == 0 {
			return b.String(), at, nil
		}
		if at+size > len(msg) || at+size+1-start > maxName {
			return "", 0, errFormat
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(strings.ReplaceAll(string(msg[at:at+size]), ".", `\.`))
		at += size
	}
}

// Name encodes a name, as the Data of a PTR holds it. It is nil for one that
// cannot be: with an empty label, or too long.
func Name(name string) []byte {
	var b []byte
	for label := range strings.SplitSeq(name, ".") {
		if label == "" || len(label) > maxLabel {
			return nil
		}
		b = append(append(b, byte(len(label))), label...)
	}
	if b = append(b, 0); len(b) > maxName {
		return nil
	}
	return b
}
