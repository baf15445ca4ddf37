// The history of one log: produce, read, and what was there in the end.

package history

import (
	"fmt"
	"strings"
)

// A Log is the history of one log of records, such as a partition of a topic.
// Use one Log for each. The zero value is ready to use, from any goroutine.
// Values must be told apart: no two operations may produce the same one, but
// for one that failed. A client's own retries are one operation.
type Log struct {
	History[LogOp, LogResult]
}

// A LogCall is an operation on a log that is under way.
type LogCall = Call[LogOp, LogResult]

// A LogKind is what an operation asks of a log.
type LogKind string

// The kinds of operations on a log.
const (
	LogProduce LogKind = "produce" // append Value
	LogRead    LogKind = "read"    // return records from offset From on
	LogFinal   LogKind = "final"   // a node's whole log, looked at in the end
)

// A LogOp is what a client asks of a log.
type LogOp struct {
	Kind         LogKind `json:"kind"`
	Value        string  `json:"value,omitempty"`        // to produce
	From         int64   `json:"from,omitempty"`         // the first offset to read
	Linearizable bool    `json:"linearizable,omitempty"` // a read that must see what came before
}

// String returns the operation as `produce "a"`, `read from 3`.
func (o LogOp) String() string {
	switch {
	case o.Kind == LogProduce:
		return fmt.Sprintf("produce %.60q", o.Value)
	case o.Kind == LogRead && o.Linearizable:
		return fmt.Sprintf("linearizable read from %d", o.From)
	case o.Kind == LogRead:
		return fmt.Sprintf("read from %d", o.From)
	default:
		return string(o.Kind)
	}
}

// A Record is a value at an offset.
type Record struct {
	Offset int64  `json:"offset"`
	Value  string `json:"value"`
}

// A LogResult is what a log answers: to produce the Offset, to a read Records.
// [At], [Records] and [Some] make them.
type LogResult struct {
	Offset  int64    `json:"offset,omitempty"`
	Records []Record `json:"records,omitzero"` // not nil if it was a read
	More    bool     `json:"more,omitempty"`   // the read was cut short: there may be more
}

// String returns the result in short: the offset, or the first and last
// record.
func (r LogResult) String() string {
	more := ""
	if r.More {
		more = " and maybe more"
	}
	switch n := len(r.Records); {
	case n > 2:
		return fmt.Sprintf("%v ... %v, %d records%s", r.Records[0], r.Records[n-1], n, more)
	case n > 0:
		return strings.Trim(fmt.Sprint(r.Records), "[]") + more
	case r.Records != nil:
		return "no records" + more
	default:
		return fmt.Sprintf("offset %d", r.Offset)
	}
}

// String returns the record as `7:"a"`.
func (r Record) String() string { return fmt.Sprintf("%d:%.60q", r.Offset, r.Value) }

// At is the answer to a produce: the record is in the log, at offset.
func At(offset int64) LogResult { return LogResult{Offset: offset} }

// Records is the answer to a read that returned these records and came to the
// end of the log, as far as the server knew it. No record at all says that
// there was none at From or after it.
func Records(records ...Record) LogResult { return LogResult{Records: append([]Record{}, records...)} }

// Some is the answer to a read that returned these records and may have been
// cut short, by a size or by a timeout. It says nothing of what comes after
// them.
func Some(records ...Record) LogResult {
	return LogResult{Records: append([]Record{}, records...), More: true}
}

// Produce begins to append value. End it by Return(At(offset)) when it was
// acknowledged.
func (l *Log) Produce(client, value string) *LogCall {
	return l.Call(client, LogOp{Kind: LogProduce, Value: value})
}

// Read begins a read from offset from on, by a client whose reads follow one
// another. End it by Return([Records]) or Return([Some]).
func (l *Log) Read(client string, from int64) *LogCall {
	return l.Call(client, LogOp{Kind: LogRead, From: from})
}

// LinearizableRead is Read at the level where a read sees every record that
// was acknowledged before the read was called.
func (l *Log) LinearizableRead(client string, from int64) *LogCall {
	return l.Call(client, LogOp{Kind: LogRead, From: from, Linearizable: true})
}

// Final tells what a node's log holds in the end. If a node is told of twice,
// the last counts.
func (l *Log) Final(node string, records ...Record) {
	l.Call(node, LogOp{Kind: LogFinal}).Return(Records(records...))
}
