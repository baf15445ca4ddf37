// What a disk writes down into its journal.

package vdisk

import (
	"strconv"

	"github.com/rehearse-go/rehearse/journal"
)

// record tells the journal of an operation; d.mu is held, so that the journal
// has the order in which things happened.
func (d *Disk) record(op Op, n int, err error) {
	if d.cfg.Journal == nil {
		return
	}
	e := journal.Event{Kind: journal.Kind("disk." + string(op.Kind)), Subject: op.Name, Size: n}
	switch op.Kind {
	case Read, Write:
		e.Notes = append(e.Notes, number("at", op.Off))
	case Truncate:
		e.Notes = append(e.Notes, number("to", op.Off))
	case Allocate:
		e.Notes = append(e.Notes, number("at", op.Off), number("len", op.Len))
	case Rename:
		e.Notes = append(e.Notes, journal.Note{Key: "to", Value: op.To})
	}
	if err != nil {
		e.Notes = append(e.Notes, journal.Note{Key: "error", Value: err.Error()})
	}
	d.append(e)
}

func (d *Disk) recordRule(op Op, v Verdict) {
	if d.cfg.Journal != nil {
		notes := []journal.Note{{Key: "op", Value: op.String()}, {Key: "verdict", Value: v.String()}}
		d.append(journal.Event{Kind: "fault.rule", Subject: op.Name, Notes: notes})
	}
}

// append adds e to the journal, if there is one, and returns its Seq.
func (d *Disk) append(e journal.Event) int {
	if d.cfg.Journal == nil {
		return 0
	}
	e.Where = d.cfg.Name
	return d.cfg.Journal.Append(e)
}

func number(key string, n int64) journal.Note {
	return journal.Note{Key: key, Value: strconv.FormatInt(n, 10)}
}
