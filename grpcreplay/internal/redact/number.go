// The pseudonyms of numbers.

package redact

import (
	"encoding/binary"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// A pseudonym among numbers has 2^n ≤ p < 2^(n+1), where n is what a type
// holds exactly: its upper half tells of the secret, its lower half is a
// check of the upper one, by which a pseudonym is known for what it is. So
// smaller numbers are never taken for one, and larger ones once in 2^(n/2).
const (
	bitsOf64    = 52 // also exact in a double, and in JSON
	bitsOf32    = 30
	bitsOfFloat = 22
)

// number returns the pseudonym of v that has bits bits after the first.
func (s *salter) number(v uint64, bits int) uint64 {
	if v == 0 || s.isNumber(v, bits) {
		return v
	}
	upper := s.hash('v', v) & (1<<(bits-bits/2) - 1)
	return 1<<bits | upper<<(bits/2) | s.hash('c', upper)&(1<<(bits/2)-1)
}

func (s *salter) isNumber(v uint64, bits int) bool {
	upper := v >> (bits / 2) & (1<<(bits-bits/2) - 1)
	return v>>bits == 1 && (s.hash('c', upper)^v)&(1<<(bits/2)-1) == 0
}

func (s *salter) hash(purpose byte, v uint64) uint64 {
	sum := s.digest(binary.LittleEndian.AppendUint64([]byte{0, purpose}, v))
	return binary.LittleEndian.Uint64(sum[:])
}

// wire returns the pseudonym of a number as it stands on the wire, a varint
// or the bits of a fixed one. That of a bool is false, that of an enum its
// first value.
func (s *salter) wire(fd protoreflect.FieldDescriptor, v uint64) uint64 {
	switch fd.Kind() {
	case protoreflect.BoolKind:
		return 0
	case protoreflect.EnumKind:
		return firstOf(fd)
	case protoreflect.Sint32Kind:
		return protowire.EncodeZigZag(int64(s.number(uint64(protowire.DecodeZigZag(v)), bitsOf32)))
	case protoreflect.Sint64Kind:
		return protowire.EncodeZigZag(int64(s.number(uint64(protowire.DecodeZigZag(v)), bitsOf64)))
	case protoreflect.FloatKind:
		return uint64(math.Float32bits(float32(s.float(float64(math.Float32frombits(uint32(v))), bitsOfFloat))))
	case protoreflect.DoubleKind:
		return math.Float64bits(s.float(math.Float64frombits(v), bitsOf64))
	case protoreflect.Int32Kind, protoreflect.Uint32Kind, protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind:
		return s.number(v, bitsOf32)
	}
	return s.number(v, bitsOf64)
}

func (s *salter) float(f float64, bits int) float64 {
	if f == 0 {
		return f
	}
	if f == math.Trunc(f) && f >= float64(uint64(1)<<bits) && f < float64(uint64(2)<<bits) {
		if v := uint64(f); s.isNumber(v, bits) {
			return f
		}
	}
	return float64(s.number(math.Float64bits(f), bits))
}

func firstOf(fd protoreflect.FieldDescriptor) uint64 {
	if fd.Enum() == nil || fd.Enum().Values().Len() == 0 { // not resolved
		return 0
	}
	return uint64(int64(fd.Enum().Values().Get(0).Number()))
}

// wireType returns how single numbers of a field stand on the wire.
func wireType(kind protoreflect.Kind) protowire.Type {
	switch kind {
	case protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind, protoreflect.FloatKind:
		return protowire.Fixed32Type
	case protoreflect.Fixed64Kind, protoreflect.Sfixed64Kind, protoreflect.DoubleKind:
		return protowire.Fixed64Type
	}
	return protowire.VarintType
}

// consumeNumber reads a number of the wire; n is negative if there is none.
func consumeNumber(typ protowire.Type, b []byte) (v uint64, n int) {
	switch typ {
	case protowire.VarintType:
		return protowire.ConsumeVarint(b)
	case protowire.Fixed32Type:
		narrow, n := protowire.ConsumeFixed32(b)
		return uint64(narrow), n
	}
	return protowire.ConsumeFixed64(b)
}

func appendNumber(b []byte, typ protowire.Type, v uint64) []byte {
	switch typ {
	case protowire.VarintType:
		return protowire.AppendVarint(b, v)
	case protowire.Fixed32Type:
		return protowire.AppendFixed32(b, uint32(v))
	}
	return protowire.AppendFixed64(b, v)
}
