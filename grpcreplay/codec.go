// Taking the bytes: codecs that let them be seen on their way.

package grpcreplay

import (
	"fmt"
	"math"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
)

// A frame is a message that is bytes already.
type frame struct{ b mem.BufferSlice }

// frameOf returns a frame of b, which must not be changed any more.
func frameOf(b []byte) *frame { return &frame{mem.BufferSlice{mem.SliceBuffer(b)}} }

// raw is the codec of frames; protocol buffers it leaves to gRPC's own. Its
// name is empty where it must change no content-type, else that of the codec it
// stands for.
type raw struct{ name string }

func (c raw) Name() string { return c.name }

func (raw) Marshal(v any) (mem.BufferSlice, error) {
	f, ok := v.(*frame)
	if !ok {
		return registered("").Marshal(v)
	}
	f.b.Ref()
	return f.b, nil
}

func (raw) Unmarshal(data mem.BufferSlice, v any) error {
	f, ok := v.(*frame)
	if !ok {
		return registered("").Unmarshal(data, v)
	}
	data.Ref()
	f.b = data
	return nil
}

// A tee is one call's codec, which hands on what it encodes and keeps what
// it decodes last.
type tee struct {
	inner encoding.CodecV2
	name  string                      // what the program's own choice of a codec says to the server
	sent  func(mem.BufferSlice) error // before the message goes on its way; nil: nobody asks
	got   mem.BufferSlice             // with a reference of its own, taken over by take
	most  int                         // bytes of a message that gRPC lets the client send

	oversized bool // the message encoded last was larger
}

// Name leaves the call's content-type what it would be: gRPC asks for it when
// a codec is forced, and a tee is forced even where the program forces none.
func (t *tee) Name() string { return t.name }

func (t *tee) Marshal(v any) (mem.BufferSlice, error) {
	b, err := marshal(t.inner, v)
	t.oversized = err == nil && b.Len() > t.most
	if err != nil || t.sent == nil || t.oversized {
		return b, err
	}
	if err := t.sent(b); err != nil {
		b.Free()
		return nil, err
	}
	return b, nil
}

func (t *tee) Unmarshal(data mem.BufferSlice, v any) error {
	data.Ref()
	t.got.Free()
	t.got = data
	if f, ok := v.(*frame); ok {
		return raw{}.Unmarshal(data, f)
	}
	return t.inner.Unmarshal(data, v)
}

// take returns what was decoded last, once; the caller frees it.
func (t *tee) take() mem.BufferSlice {
	b := t.got
	t.got = nil
	return b
}

// marshal encodes v as gRPC does, which does not ask the codec for a message
// that is nil: it is empty. The panic of a codec that is given what it cannot
// encode, such as a typed nil, becomes an error.
func marshal(c encoding.CodecV2, v any) (b mem.BufferSlice, err error) {
	if v == nil {
		return nil, nil
	}
	defer func() {
		if r := recover(); r != nil {
			b, err = nil, fmt.Errorf("grpcreplay: encoding a %T: %v", v, r)
		}
	}()
	if f, ok := v.(*frame); ok {
		return raw{}.Marshal(f)
	}
	return c.Marshal(v)
}

// A choice is the codec that a call uses.
type choice struct {
	codec   encoding.CodecV2
	forced  string // the name of a codec that the program forced
	subtype string // the content-subtype as recordings have it
}

// codecOf returns the choice that a call's options make. The last option
// wins, as in gRPC.
func codecOf(opts []grpc.CallOption) (choice, error) {
	var forced encoding.CodecV2
	subtype := ""
	for _, o := range opts {
		switch o := o.(type) {
		case grpc.ForceCodecV2CallOption:
			forced = o.CodecV2
		case grpc.ForceCodecCallOption:
			forced = older{o.Codec}
		case grpc.CustomCodecCallOption:
			forced = older{oldest{o.Codec}}
		case grpc.ContentSubtypeCallOption:
			subtype = o.ContentSubtype
		}
	}
	if forced != nil {
		if subtype == "" {
			subtype = strings.ToLower(forced.Name())
		}
		return choice{forced, forced.Name(), plainSubtype(subtype)}, nil
	}
	c := registered(subtype)
	if c == nil {
		return choice{}, status.Errorf(codes.Internal, "no codec registered for content-subtype %s", subtype)
	}
	return choice{c, "", plainSubtype(subtype)}, nil
}

// mostSent returns how many bytes a message may have that a call with these
// options sends. Of one that is compressed gRPC looks at what is left of it,
// and here nobody does.
func mostSent(opts []grpc.CallOption) int {
	most := math.MaxInt32 // gRPC's default
	compressed := false
	for _, o := range opts {
		switch o := o.(type) {
		case grpc.MaxSendMsgSizeCallOption:
			most = o.MaxSendMsgSize
		case grpc.CompressorCallOption:
			compressed = o.CompressorType != "" && o.CompressorType != encoding.Identity
		}
	}
	if compressed {
		return math.MaxInt32
	}
	return most
}

// registered returns the codec for a content-subtype, or nil.
func registered(subtype string) encoding.CodecV2 {
	if subtype == "" {
		subtype = proto.Name
	}
	if c := encoding.GetCodecV2(subtype); c != nil {
		return c
	}
	if c := encoding.GetCodec(subtype); c != nil {
		return older{c}
	}
	return nil
}

// withoutCodec returns a call's options for making it with frames: on the
// wire it is the same call.
func withoutCodec(opts []grpc.CallOption, c choice) []grpc.CallOption {
	kept := make([]grpc.CallOption, 0, len(opts)+3)
	for _, o := range opts {
		switch o.(type) {
		case grpc.ForceCodecV2CallOption, grpc.ForceCodecCallOption, grpc.CustomCodecCallOption:
		default:
			kept = append(kept, o)
		}
	}
	return append(kept, grpc.ForceCodecV2(raw{c.forced}))
}

// plainSubtype is the content-subtype as recordings have it: protocol
// buffers are the empty one, however they were asked for.
func plainSubtype(subtype string) string {
	if subtype == proto.Name {
		return ""
	}
	return subtype
}

// older makes a codec of the first version one of the second.
type older struct{ encoding.Codec }

func (c older) Marshal(v any) (mem.BufferSlice, error) {
	b, err := c.Codec.Marshal(v)
	if err != nil {
		return nil, err
	}
	return mem.BufferSlice{mem.SliceBuffer(b)}, nil
}

func (c older) Unmarshal(data mem.BufferSlice, v any) error {
	return c.Codec.Unmarshal(data.Materialize(), v)
}

// oldest makes a codec from before there were versions one of the first. It
// has no name: it never had a say in the content-type.
type oldest struct{ grpc.Codec }

func (oldest) Name() string { return "" }
