// The bytes redacted are the message redacted, for any message and any bytes.

package redact_test

import (
	"encoding/binary"
	"math/rand/v2"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/redact"
	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// A model redacts messages that have been parsed, field by field.
type model struct {
	r *redact.Redactor
	t *testing.T
}

func (m model) hide(v string) string {
	return m.r.Pairs([]tape.Pair{{Key: "x-api-key", Value: v}})[0].Value
}

func (m model) fit(v []byte) []byte {
	return []byte(m.r.Pairs([]tape.Pair{{Key: "x-api-key-bin", Value: string(v)}})[0].Value)
}

// secret names the fields of vault.v1 whose texts are secret.
var secret = map[protoreflect.Name]bool{"clientSecret": true, "password": true}

func (m model) message(msg protoreflect.Message) {
	msg.Range(func(fd protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case fd.Name() == "pin" || fd.Name() == "owner" || fd.Name() == "page_token":
			// Tested elsewhere; fill leaves the first two out.
		case fd.IsMap():
			m.labels(v.Map())
		case fd.IsList():
			for i := range v.List().Len() {
				v.List().Set(i, m.value(fd, v.List().Get(i)))
			}
		default:
			msg.Set(fd, m.value(fd, v))
		}
		return true
	})
}

func (m model) labels(labels protoreflect.Map) {
	before := map[string]string{}
	labels.Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
		before[k.String()] = v.String()
		labels.Clear(k)
		return true
	})
	for k, v := range before {
		if v = m.r.Text(v); strings.HasSuffix(k, "password") {
			v = m.hide(before[k])
		}
		labels.Set(protoreflect.ValueOfString(m.r.Text(k)).MapKey(), protoreflect.ValueOfString(v))
	}
}

func (m model) value(fd protoreflect.FieldDescriptor, v protoreflect.Value) protoreflect.Value {
	switch hidden := secret[fd.Name()]; {
	case fd.Message() != nil:
		m.message(v.Message())
	case fd.Kind() == protoreflect.StringKind && hidden:
		return protoreflect.ValueOfString(m.hide(v.String()))
	case fd.Kind() == protoreflect.StringKind:
		return protoreflect.ValueOfString(m.r.Text(v.String()))
	case fd.Kind() == protoreflect.BytesKind && hidden:
		return protoreflect.ValueOfBytes(m.fit(v.Bytes()))
	case fd.Kind() == protoreflect.BytesKind:
		return protoreflect.ValueOfBytes(m.r.Message(nil, v.Bytes()))
	}
	return v
}

// leftOut names the fields that the model knows nothing of.
var leftOut = map[protoreflect.Name]bool{"pin": true, "owner": true, "detail": true, "extra": true}

// fill makes a random message of a type.
func fill(rnd *rand.Rand, md protoreflect.MessageDescriptor, depth int) *dynamicpb.Message {
	m := dynamicpb.NewMessage(md)
	for i := range md.Fields().Len() {
		fd := md.Fields().Get(i)
		if leftOut[fd.Name()] || rnd.IntN(2) == 0 {
			continue
		}
		switch {
		case fd.IsMap():
			for range rnd.IntN(3) {
				key := protoreflect.ValueOfString(word(rnd)).MapKey()
				m.Mutable(fd).Map().Set(key, protoreflect.ValueOfString(word(rnd)))
			}
		case fd.Message() != nil && depth == 0:
		case fd.IsList():
			for range rnd.IntN(3) {
				m.Mutable(fd).List().Append(one(rnd, fd, depth))
			}
		default:
			m.Set(fd, one(rnd, fd, depth))
		}
	}
	return m
}

func one(rnd *rand.Rand, fd protoreflect.FieldDescriptor, depth int) protoreflect.Value {
	switch fd.Kind() {
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(word(rnd))
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes(protowire.AppendString([]byte{0x0A}, word(rnd)))
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(true)
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64(rnd.Float64())
	case protoreflect.FloatKind:
		return protoreflect.ValueOfFloat32(rnd.Float32())
	case protoreflect.MessageKind:
		return protoreflect.ValueOfMessage(fill(rnd, fd.Message(), depth-1))
	}
	return protoreflect.ValueOfInt64(rnd.Int64())
}

func word(rnd *rand.Rand) string {
	words := []string{"", "hello", "db-password", github(), webToken, "see " + github() + "!", "a://b:c@d",
		"redacted-01234567"}
	return words[rnd.IntN(len(words))] + strings.Repeat(" x", rnd.IntN(3))
}

func TestTheBytesRedactedAreTheMessageRedacted(t *testing.T) {
	s := testSet(t)
	md := typed(t, s, "vault.v1.Entry")
	m := model{redactor(t, redact.Rules{}, s), t}
	changed := 0
	for seed := range uint64(300) {
		msg := fill(rand.New(rand.NewPCG(seed, 0)), md, 3)
		in, err := proto.MarshalOptions{Deterministic: true}.Marshal(msg)
		if err != nil {
			t.Fatal(err)
		}
		out := m.r.Message(md, in)
		got := dynamicpb.NewMessage(md)
		if err := proto.Unmarshal(out, got); err != nil {
			t.Fatalf("seed %d: %v became %q: %v", seed, msg, out, err)
		}
		if string(in) != string(out) {
			changed++
		}
		m.message(msg)
		if !proto.Equal(got, msg) {
			t.Fatalf("seed %d: it became\n%v, want\n%v", seed, got, msg)
		}
	}
	if changed < 150 {
		t.Errorf("only %d messages had secrets", changed)
	}
}

func TestBytesThatAreAMessageOrATextStayBoth(t *testing.T) {
	// Field 4 with 36 bytes reads as `"$…`; a token begins in what may be a
	// tag and a length, and ends in what may be another field.
	r := redactor(t, redact.Rules{}, nil)
	token := github()
	for split := 1; split < len(token); split++ {
		front, back := token[:split], token[split:]
		in := append(protowire.AppendString([]byte{0x22}, strings.Repeat(" ", 40-split)+front), 0x22)
		in = protowire.AppendString(in, back+strings.Repeat(" ", 60-len(back)))
		out := r.Message(nil, in)
		if len(in) != len(out) || out[0] != in[0] || out[1] != in[1] || out[42] != in[42] || out[43] != in[43] {
			t.Errorf("split at %d, %q became %q", split, in, out)
		}
	}
}

func TestHostileDepthIsSurvived(t *testing.T) {
	s := testSet(t)
	r := redactor(t, redact.Rules{}, s)
	md := typed(t, s, "vault.v1.Entry")
	tag := protowire.AppendTag(nil, 300, protowire.BytesType)
	// From the inside out: each level is a child with a secret at its core.
	core := protowire.AppendString([]byte{0x0A}, github())
	var levels [][]byte
	for size := len(core); len(levels) < 30_000; {
		level := protowire.AppendVarint(append([]byte(nil), tag...), uint64(size))
		levels = append(levels, level)
		size += len(level)
	}
	var deep []byte
	for i := range levels {
		deep = append(deep, levels[len(levels)-1-i]...)
	}
	deep = append(deep, core...)
	for _, out := range [][]byte{r.Message(md, deep), r.Message(nil, deep)} {
		if strings.Contains(string(out), github()) || len(out) < len(deep)-60 {
			t.Errorf("%d bytes became %d", len(deep), len(out))
		}
	}
	groups := strings.Repeat("\x0b", 1<<20)
	if out := r.Message(md, []byte(groups+github())); strings.Contains(string(out), github()) {
		t.Error("a secret behind groups that never end stands")
	}
}

// sow puts tokens into bytes, so that a fuzzer need not find their shape.
func sow(b []byte) []byte {
	text := strings.ReplaceAll(string(b), "GH", github())
	return []byte(strings.ReplaceAll(text, "JW", webToken))
}

// isMessage tells whether b can be parsed. protobuf-go v1.36.10 panics on a
// map's entry whose key comes a second time, and as another type.
func isMessage(md protoreflect.MessageDescriptor, b []byte) (ok bool) {
	defer func() { ok = recover() == nil && ok }()
	return proto.Unmarshal(b, dynamicpb.NewMessage(md)) == nil
}

func FuzzMessage(f *testing.F) {
	s := testSet(f)
	r := redactor(f, redact.Rules{}, s)
	types := []protoreflect.MessageDescriptor{
		typed(f, s, "vault.v1.Entry"), typed(f, s, "vault.v1.Plain"), typed(f, s, "google.protobuf.Any"), nil,
	}
	for seed := range uint64(20) {
		b, _ := proto.Marshal(fill(rand.New(rand.NewPCG(seed, 1)), types[0], 2))
		f.Add(b, uint8(seed))
	}
	f.Add([]byte("\x0a\x02GH\x12\x04a JW"), uint8(3))
	f.Add([]byte("\x0b\x0a\x02GH\x0c\"$GH2$"), uint8(3))
	f.Fuzz(func(t *testing.T, b []byte, which uint8) {
		md, in := types[int(which)%len(types)], sow(b)
		before := string(in)
		out := r.Message(md, in)
		if string(in) != before {
			t.Fatal("what was given has changed")
		}
		if again := r.Message(md, out); string(again) != string(out) {
			t.Errorf("%q became %q, and then %q", in, out, again)
		}
		if md == nil {
			if len(out) != len(in) {
				t.Errorf("%q became %q, of another length", in, out)
			}
			return
		}
		if isMessage(md, in) && !isMessage(md, out) {
			t.Errorf("%q became %q, which is no message", in, out)
		}
	})
}

func FuzzText(f *testing.F) {
	shapes := redactor(f, redact.Rules{}, nil)
	custom := redactor(f, redact.Rules{Tokens: []string{`\w{5,}`, `[^ ]{3}@`}, Cards: true}, nil)
	f.Add("GH JW https://a:b@c Bearer " + some(20))
	f.Add(keyBegin + "\nabc\n" + keyEnd + " 4111 1111 1111 1111")
	f.Fuzz(func(t *testing.T, text string) {
		in := string(sow([]byte(text)))
		once := shapes.Text(in)
		if twice := shapes.Text(once); twice != once {
			t.Errorf("%q became %q, and then %q", in, once, twice)
		}
		custom.Text(in)
		shapes.ScanText([]byte(in))
	})
}

func BenchmarkMessage(b *testing.B) {
	s := testSet(b)
	r := redactor(b, redact.Rules{}, s)
	english := strings.Repeat("The clerk put the ledger on the shelf and went to look for the key. It was not "+
		"where he had left it the evening before, nor in the pocket of his other coat. Outside, a cart was "+
		"coming up the road in the rain. ", 400)
	random := make([]byte, 1<<16)
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := 0; i < len(random); i += 8 {
		binary.LittleEndian.PutUint64(random[i:], rnd.Uint64())
	}
	payload := func(b []byte) []byte { return protowire.AppendBytes([]byte{0x0A}, b[:1<<16]) }
	entry := typed(b, s, "vault.v1.Entry")
	small := parse(b, s, entry,
		`title: "hello world" page_token: "abc" child { title: "x" } labels { key: "zone" value: "eu" }`)
	plain := typed(b, s, "vault.v1.Plain")
	for _, row := range []struct {
		name string
		md   protoreflect.MessageDescriptor
		wire []byte
	}{
		{"Random", plain, payload(random)},
		{"Zeros", plain, payload(make([]byte, 1<<16))},
		{"English", plain, payload([]byte(english))},
		{"EnglishUnknown", nil, payload([]byte(english))},
		{"Small", plain, parse(b, s, plain, `note: "a note of some length, as is usual" count: 12345`)},
		{"SmallUnknown", nil, parse(b, s, plain, `note: "a note of some length, as is usual" count: 12345`)},
		{"SmallWalked", entry, small},
		{"SmallSecret", entry, parse(b, s, entry, `title: "hello" clientSecret: "hunter2"`)},
		{"SmallToken", plain, parse(b, s, plain, `note: "hello `+github()+`"`)},
	} {
		b.Run(row.name, func(b *testing.B) {
			b.SetBytes(int64(len(row.wire)))
			for b.Loop() {
				r.Message(row.md, row.wire)
			}
		})
	}
}

func BenchmarkPairs(b *testing.B) {
	r := redactor(b, redact.Rules{}, nil)
	for _, row := range []struct {
		name  string
		pairs []tape.Pair
	}{
		{"Open", []tape.Pair{{Key: "tenant", Value: "acme"}, {Key: "x-request-id", Value: hexDigits(32)}}},
		{"Bearer", []tape.Pair{{Key: "authorization", Value: "Bearer " + webToken}}},
	} {
		b.Run(row.name, func(b *testing.B) {
			for b.Loop() {
				r.Pairs(row.pairs)
			}
		})
	}
}
