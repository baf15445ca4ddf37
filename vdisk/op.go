// An operation before it happens, and the verdict on it.

package vdisk

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/rehearse-go/rehearse/rule"
)

// An OpKind is what a program wants of its disk.
type OpKind string

// The kinds of operations. A Create is an OpenFile that makes a new file, and
// Sync is of files, SyncDir of directories. Close and File.Name are no
// operations: they never reach the disk.
const (
	Open     OpKind = "open"
	Create   OpKind = "create"
	Read     OpKind = "read"
	Write    OpKind = "write"
	Truncate OpKind = "truncate"
	Allocate OpKind = "allocate"
	Sync     OpKind = "sync"
	Size     OpKind = "size"
	Lock     OpKind = "lock"
	Mkdir    OpKind = "mkdir"
	Rename   OpKind = "rename"
	Remove   OpKind = "remove"
	ReadDir  OpKind = "readdir"
	SyncDir  OpKind = "syncdir"
	Stat     OpKind = "stat"
)

// An Op is one operation before it happens.
type Op struct {
	Kind OpKind
	Name string // of the file or directory
	To   string // the new name, of a Rename
	Off  int64  // of a Read, Write or Allocate; the new size, of a Truncate; -1 for the end of the file
	Len  int64  // of a Read, Write or Allocate, in bytes
}

// String returns the Op as rules' reports show it, such as
// "write wal/0001 512 at 4096".
func (o Op) String() string {
	s := string(o.Kind) + " " + o.Name
	switch o.Kind {
	case Read, Write, Allocate:
		s += fmt.Sprintf(" %d at %d", o.Len, o.Off)
	case Truncate:
		s += fmt.Sprintf(" to %d", o.Off)
	case Rename:
		s += " " + o.To
	}
	return s
}

// A Verdict is what becomes of an operation. The zero Verdict lets it happen.
type Verdict struct {
	// Err is what the operation fails with, wrapped in a *fs.PathError (of
	// Rename in an *os.LinkError); syscall.EIO and syscall.ENOSPC are usual.
	// Nothing of the operation happens, but that a Sync that fails takes the
	// unsynced contents with it: see the package's documentation.
	Err error

	// Lie makes a Sync or SyncDir report success and store nothing. What it
	// was to store stays unsynced, for a later one.
	Lie bool

	// Short, if positive, is how many bytes of a Write are written; when those
	// are not all, it fails with Err, or with syscall.ENOSPC if there is none.
	Short int

	// After is how much longer the operation takes.
	After time.Duration
}

// String returns the verdict's settings, such as "err=input/output error";
// "pass" if there are none.
func (v Verdict) String() string {
	var words []string
	if v.Err != nil {
		words = append(words, "err="+v.Err.Error())
	}
	if v.Lie {
		words = append(words, "lie")
	}
	if v.Short > 0 {
		words = append(words, fmt.Sprintf("short=%d", v.Short))
	}
	if v.After > 0 {
		words = append(words, "after="+v.After.String())
	}
	if len(words) == 0 {
		return "pass"
	}
	return strings.Join(words, " ")
}

// Rule adds a rule that sees every operation before it happens and decides
// what becomes of it, or passes. Rules are asked in the order of adding, all
// of them before the faults in force, and without a lock: a rule may use the
// disk, which stands as it is before the operation. They are asked on the
// goroutine of whoever does the operation, several at a time. Calling remove
// takes the rule out again.
func (d *Disk) Rule(r rule.Rule[Op, Verdict]) (remove func()) { return d.rules.Add(r) }

// NamedRule is Rule for a rule with a name, which RuleStats shows.
func (d *Disk) NamedRule(name string, r rule.Rule[Op, Verdict]) (remove func()) {
	return d.rules.AddNamed(name, r)
}

// RuleStats tells how often each rule was asked and decided.
func (d *Disk) RuleStats() []rule.Stat { return d.rules.Stats() }

// failed wraps err as package os would.
func (o Op) failed(err error) error {
	if o.Kind == Rename {
		return &os.LinkError{Op: string(o.Kind), Old: o.Name, New: o.To, Err: err}
	}
	return &os.PathError{Op: string(o.Kind), Path: o.Name, Err: err}
}
