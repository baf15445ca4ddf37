// What a Before callback sees: one thing of a call, to be changed.

package grpcreplay

import (
	"fmt"

	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/schema"
)

// A Part says which part of a call a Message is.
type Part string

// The parts of a call.
const (
	Request  Part = "request"  // a message of the client; Metadata is empty but with the first
	Response Part = "response" // a message of the server
	Headers  Part = "headers"  // the server's initial metadata
	Outcome  Part = "outcome"  // the status and the trailer
	Opening  Part = "opening"  // the request's metadata
)

// A Message is one part of a call, as Config.Before gets it. What is set in
// it is recorded, or matched; the program itself sees nothing of it.
type Message struct {
	Method   string // "/pkg.Service/Method"
	Part     Part
	Bytes    []byte         // of Request and Response: the bytes of the wire; replace them, do not change them
	Metadata metadata.MD    // of Opening, Headers and Outcome
	Status   *status.Status // of Outcome

	schema *schema.Set
}

// Proto decodes the message: as the program's own type if that is linked in,
// else as a dynamic one, by the recording's schema.
func (m *Message) Proto() (proto.Message, error) {
	md := m.descriptor()
	if md == nil {
		return nil, fmt.Errorf("grpcreplay: the type of the %s of %s is not known: link it in, or set Config.Schema",
			m.Part, m.Method)
	}
	p, err := unmarshal(md, m.Bytes)
	if err != nil {
		return nil, fmt.Errorf("grpcreplay: the %s of %s: %w", m.Part, m.Method, err)
	}
	return p, nil
}

// Set replaces the message.
func (m *Message) Set(p proto.Message) error {
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(p)
	if err != nil {
		return fmt.Errorf("grpcreplay: the %s of %s: %w", m.Part, m.Method, err)
	}
	m.Bytes = b
	return nil
}

func (m *Message) descriptor() protoreflect.MessageDescriptor {
	switch m.Part {
	case Request:
		return m.schema.Input(m.Method)
	case Response:
		return m.schema.Output(m.Method)
	}
	return nil
}

// unmarshal decodes a message of a type: the program's own if that is linked
// in. Bytes that are no message are an error, also where the library panics.
func unmarshal(md protoreflect.MessageDescriptor, b []byte) (m proto.Message, err error) {
	defer func() {
		if r := recover(); r != nil {
			m, err = nil, fmt.Errorf("it does not decode: %v", r)
		}
	}()
	m = dynamicpb.NewMessage(md)
	if mt, err := protoregistry.GlobalTypes.FindMessageByName(md.FullName()); err == nil {
		m = mt.New().Interface()
	}
	return m, proto.Unmarshal(b, m)
}
