// Registers by key, with compare-and-swap.

package linear

import (
	"fmt"

	"github.com/rehearse-go/rehearse/history"
)

// A RegisterHistory is a history of registers.
type RegisterHistory = history.History[RegisterOp, RegisterResult]

// A RegisterKind is what an operation does to a register.
type RegisterKind string

// The kinds of operations on a register.
const (
	RegisterRead  RegisterKind = "read"
	RegisterWrite RegisterKind = "write"
	RegisterSwap  RegisterKind = "swap" // write Value if the register holds Old
)

// A RegisterOp asks something of one register. [Read], [Write] and [Swap] make
// them.
type RegisterOp struct {
	Kind  RegisterKind `json:"kind"`
	Key   string       `json:"key"`
	Value string       `json:"value,omitempty"`
	Old   string       `json:"old,omitempty"`
}

// Read asks for what the register holds.
func Read(key string) RegisterOp { return RegisterOp{Kind: RegisterRead, Key: key} }

// Write puts value into the register.
func Write(key, value string) RegisterOp {
	return RegisterOp{Kind: RegisterWrite, Key: key, Value: value}
}

// Swap puts value into the register if it holds old.
func Swap(key, old, value string) RegisterOp {
	return RegisterOp{Kind: RegisterSwap, Key: key, Value: value, Old: old}
}

// String returns the operation as `write x "1"`.
func (o RegisterOp) String() string {
	switch o.Kind {
	case RegisterWrite:
		return fmt.Sprintf("write %s %.60q", o.Key, o.Value)
	case RegisterSwap:
		return fmt.Sprintf("swap %s %.60q for %.60q", o.Key, o.Old, o.Value)
	default:
		return string(o.Kind) + " " + o.Key
	}
}

// A RegisterResult is the answer: to a read the Value, to a swap whether it
// took place, to a write nothing.
type RegisterResult struct {
	Value   string `json:"value,omitempty"`
	Swapped bool   `json:"swapped,omitempty"`
}

// String returns the value in quotes, and "swapped" after it if it was.
func (r RegisterResult) String() string {
	if r.Swapped {
		return fmt.Sprintf("%.60q swapped", r.Value)
	}
	return fmt.Sprintf("%.60q", r.Value)
}

// Register is the model of registers that are independent by Key and hold the
// empty string before the first write.
func Register() Model[string, RegisterOp, RegisterResult] {
	return Model[string, RegisterOp, RegisterResult]{
		Name: "register",
		Key:  func(in RegisterOp) (string, bool) { return in.Key, true },
		Pure: func(in RegisterOp) bool { return in.Kind == RegisterRead },
		Step: stepRegister,
		Hash: hashString,
		Show: func(s string) string { return fmt.Sprintf("%.60q", s) },
	}
}

func stepRegister(s string, in RegisterOp, out *RegisterResult) (string, bool) {
	switch in.Kind {
	case RegisterRead:
		return s, out == nil || out.Value == s
	case RegisterWrite:
		return in.Value, true
	case RegisterSwap:
		holds := s == in.Old
		if holds {
			s = in.Value
		}
		return s, out == nil || out.Swapped == holds
	default:
		return s, false
	}
}
