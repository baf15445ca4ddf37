// The program's messages, as callbacks get them.

package hooked

import (
	"fmt"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// A Func is a callback: it may change the message. Its error ends the call
// and is what the program gets.
type Func = func(method string, m proto.Message) error

// copied returns a copy of a program's message for a callback.
func copied(method string, v any) (proto.Message, error) {
	switch m := v.(type) {
	case proto.Message:
		return proto.Clone(m), nil
	case protoadapt.MessageV1:
		return proto.Clone(protoadapt.MessageV2Of(m)), nil
	}
	return nil, fmt.Errorf("compat: the callback takes protocol buffers, and %s has a message of type %T", method, v)
}

// typeOf returns the type of a program's message.
func typeOf(method string, v any) (protoreflect.MessageType, error) {
	switch m := v.(type) {
	case proto.Message:
		return m.ProtoReflect().Type(), nil
	case protoadapt.MessageV1:
		return protoadapt.MessageV2Of(m).ProtoReflect().Type(), nil
	}
	return nil, fmt.Errorf("compat: the callback takes protocol buffers, and %s has a message of type %T", method, v)
}

// as returns a copy as what the program's own message was: a codec that knows
// only messages of the first API gets one.
func as(v any, m proto.Message) any {
	if _, second := v.(proto.Message); second {
		return m
	}
	return protoadapt.MessageV1Of(m)
}
