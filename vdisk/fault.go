// Faults as data: what can go wrong with a disk, written down, applied and taken back.

package vdisk

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/rehearse-go/rehearse/journal"
)

// A Fault is something that goes wrong with a disk, as plain data: it can be
// compared, printed, parsed again and applied. Its text is one of
//
//	full                    there is no more room than is taken now
//	pause                   every operation waits
//	slow 20ms               every operation takes so much longer
//	flip                    one bit of a stable byte rots; the seed says which
//	flip NAME OFFSET BIT    that one does
//	OP eio                  each such operation fails with syscall.EIO
//	OP enospc               likewise, with syscall.ENOSPC
//	OP slow 20ms            each takes so much longer
//	write short             each write stores its first half, then ENOSPC
//	sync lie                syncs report success and store nothing
//
// OP is an [OpKind]; of "sync", those of directories are meant too. Behind
// the text of an OP the name of a file may stand: only operations on it are
// hurt. Names in faults hold no white space.
type Fault struct {
	Kind  string // the first word
	What  string // of an OP: eio, enospc, slow, short or lie
	Name  string // of a file, or ""
	Delay time.Duration
	Off   int64 // of "flip"
	Bit   int   // of "flip": 0 is the lowest
}

// String returns the fault's text, which ParseFault reads.
func (f Fault) String() string {
	words := []string{f.Kind}
	if f.What != "" {
		words = append(words, f.What)
	}
	if f.Delay != 0 {
		words = append(words, f.Delay.String())
	}
	if f.Name != "" {
		words = append(words, f.Name)
	}
	if f.Kind == "flip" && f.Name != "" {
		words = append(words, strconv.FormatInt(f.Off, 10), strconv.Itoa(f.Bit))
	}
	return strings.Join(words, " ")
}

// ParseFault reads the text of a fault.
func ParseFault(s string) (Fault, error) {
	f, err := parseFault(s)
	if err != nil {
		return Fault{}, fmt.Errorf("vdisk: fault %q: %w", s, err)
	}
	return f, nil
}

var opKinds = []OpKind{
	Allocate, Create, Lock, Mkdir, Open, Read, ReadDir, Remove, Rename, Size, Stat, Sync, SyncDir, Truncate, Write,
}

func parseFault(s string) (Fault, error) {
	words := strings.Fields(s)
	if len(words) == 0 {
		return Fault{}, errors.New("it is empty")
	}
	f, rest := Fault{Kind: words[0]}, words[1:]
	switch {
	case f.Kind == "full" || f.Kind == "pause":
		return f, done(rest)
	case f.Kind == "slow":
		return f.delayed(rest)
	case f.Kind == "flip" && len(rest) == 0:
		return f, nil
	case f.Kind == "flip":
		return f.flipped(rest)
	case slices.Contains(opKinds, OpKind(f.Kind)):
		return f.hurting(rest)
	}
	return f, fmt.Errorf("no kind %q; there are flip, full, pause, slow and, before what befalls it, %v",
		f.Kind, opKinds)
}

func done(rest []string) error {
	if len(rest) > 0 {
		return fmt.Errorf("%q is too much", rest[0])
	}
	return nil
}

// delayed reads how slow f is.
func (f Fault) delayed(rest []string) (Fault, error) {
	if len(rest) == 0 {
		return f, errors.New("how slow it is is missing, such as 20ms")
	}
	var err error
	if f.Delay, err = time.ParseDuration(rest[0]); err != nil || f.Delay <= 0 {
		return f, fmt.Errorf("%q is not a duration that anything takes", rest[0])
	}
	if f.Kind != "slow" {
		return f.named(rest[1:])
	}
	return f, done(rest[1:])
}

// named reads the name that may end f.
func (f Fault) named(rest []string) (Fault, error) {
	if len(rest) == 0 {
		return f, nil
	}
	if !fs.ValidPath(rest[0]) {
		return f, fmt.Errorf("%q cannot be a name", rest[0])
	}
	f.Name = rest[0]
	return f, done(rest[1:])
}

// flipped reads which bit rots.
func (f Fault) flipped(rest []string) (Fault, error) {
	if len(rest) != 3 {
		return f, errors.New("flip takes no words or NAME OFFSET BIT")
	}
	var wrong, err error
	if f.Off, err = strconv.ParseInt(rest[1], 10, 64); err != nil || f.Off < 0 {
		wrong = fmt.Errorf("%q is not an offset", rest[1])
	}
	if f.Bit, err = strconv.Atoi(rest[2]); err != nil || f.Bit < 0 || f.Bit > 7 {
		wrong = fmt.Errorf("%q is not a bit from 0 to 7", rest[2])
	}
	f, err = f.named(rest[:1])
	return f, errors.Join(err, wrong)
}

// hurting reads what befalls an operation.
func (f Fault) hurting(rest []string) (Fault, error) {
	if len(rest) == 0 {
		return f, errors.New("what befalls it is missing")
	}
	f.What = rest[0]
	switch {
	case f.What == "slow":
		return f.delayed(rest[1:])
	case f.What == "eio", f.What == "enospc",
		f.What == "short" && f.is(Write), f.What == "lie" && (f.is(Sync) || f.is(SyncDir)):
		return f.named(rest[1:])
	}
	return f, fmt.Errorf("%q does not befall a %s", f.What, f.Kind)
}

func (f Fault) is(k OpKind) bool { return f.Kind == string(k) }

// A force is a fault at work.
type force struct {
	fault Fault
	used  int64 // how much room was taken when it began
}

// Fault applies f and records it. Calling end takes it back, once; what it
// did meanwhile stays done, and a flipped bit has no end to it. Faults may
// overlap: delays add up, and of what else befalls one operation the fault
// that began first decides.
//
// A flip of a byte that is not stable is an error, and so is an f that
// ParseFault could not have made.
func (d *Disk) Fault(f Fault) (end func(), err error) {
	same, err := parseFault(f.String())
	if err == nil && same != f {
		err = fmt.Errorf("%+v has fields that its kind does not take", f)
	}
	if err == nil && f.Kind == "flip" {
		f, err = d.flip(f)
	}
	if err != nil {
		return nil, fmt.Errorf("vdisk: fault %q: %w", f, err)
	}
	seq := d.append(journal.Event{Kind: "fault.disk", Subject: f.String()})
	undo := d.strike(f)
	return sync.OnceFunc(func() {
		if undo != nil {
			d.append(journal.Event{Kind: "fault.end", Subject: f.String(), Cause: seq})
			undo()
		}
	}), nil
}

// must is Fault for a fault that is wrong only by misuse.
func (d *Disk) must(f Fault) func() {
	end, err := d.Fault(f)
	if err != nil {
		panic(err.Error())
	}
	return end
}

// strike puts f to work and returns what ends it.
func (d *Disk) strike(f Fault) (undo func()) {
	switch f.Kind {
	case "flip":
		return nil
	case "pause":
		return d.pause()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	work := &force{f, d.used}
	d.faults = append(d.faults, work)
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.faults = slices.DeleteFunc(d.faults, func(w *force) bool { return w == work })
	}
}

// strained returns what the faults at work make of op; d.mu is held.
func (d *Disk) strained(op Op) (v Verdict, hurt bool) {
	settled := false
	for _, w := range d.faults {
		f := w.fault
		if f.Kind != "slow" && !f.meets(op) {
			continue
		}
		hurt = true
		if v.After += f.Delay; f.Delay == 0 && !settled {
			settled = true
			v.Lie, v.Short, v.Err = f.befalls(op)
		}
	}
	return v, hurt
}

// meets reports whether f is about operations such as op.
func (f Fault) meets(op Op) bool {
	kind := f.is(op.Kind) || f.is(Sync) && op.Kind == SyncDir
	return kind && (f.Name == "" || f.Name == op.Name || f.Name == op.To)
}

func (f Fault) befalls(op Op) (lie bool, short int, err error) {
	switch {
	case f.What == "eio":
		err = syscall.EIO
	case f.What == "short" && op.Len >= 2:
		short = int(op.Len / 2)
	case f.What == "lie":
		lie = true
	default:
		err = syscall.ENOSPC
	}
	return lie, short, err
}
