// First-in-first-out queues by name.

package linear

import (
	"fmt"

	"github.com/rehearse-go/rehearse/history"
)

// A QueueHistory is a history of queues.
type QueueHistory = history.History[QueueOp, QueueResult]

// A QueueKind is what an operation does to a queue.
type QueueKind string

// The kinds of operations on a queue.
const (
	QueueEnqueue QueueKind = "enqueue"
	QueueDequeue QueueKind = "dequeue"
)

// A QueueOp asks something of one queue. [Enqueue] and [Dequeue] make them.
type QueueOp struct {
	Kind  QueueKind `json:"kind"`
	Queue string    `json:"queue"`
	Value string    `json:"value,omitempty"`
}

// Enqueue puts value behind the last of the queue.
func Enqueue(queue, value string) QueueOp {
	return QueueOp{Kind: QueueEnqueue, Queue: queue, Value: value}
}

// Dequeue takes the first value off the queue, if there is one.
func Dequeue(queue string) QueueOp { return QueueOp{Kind: QueueDequeue, Queue: queue} }

// String returns the operation as `enqueue jobs "1"`.
func (o QueueOp) String() string {
	if o.Kind == QueueEnqueue {
		return fmt.Sprintf("enqueue %s %.60q", o.Queue, o.Value)
	}
	return string(o.Kind) + " " + o.Queue
}

// A QueueResult is the answer: to a dequeue the Value, or that the queue was
// Empty; to an enqueue nothing.
type QueueResult struct {
	Value string `json:"value,omitempty"`
	Empty bool   `json:"empty,omitempty"`
}

// String returns the value in quotes, or "empty".
func (r QueueResult) String() string {
	if r.Empty {
		return "empty"
	}
	return fmt.Sprintf("%.60q", r.Value)
}

// Queue is the model of queues that are independent by name and empty at
// first.
func Queue() Model[Seq, QueueOp, QueueResult] {
	return Model[Seq, QueueOp, QueueResult]{
		Name:  "queue",
		Key:   func(in QueueOp) (string, bool) { return in.Queue, true },
		Step:  stepQueue,
		Equal: Seq.Equal,
		Hash:  Seq.Hash,
		Show:  Seq.String,
	}
}

func stepQueue(s Seq, in QueueOp, out *QueueResult) (Seq, bool) {
	empty := s.Len() == 0
	switch {
	case in.Kind == QueueEnqueue:
		return s.Append(in.Value), true
	case in.Kind != QueueDequeue:
		return s, false
	case empty:
		return s, out == nil || out.Empty
	case out != nil && (out.Empty || out.Value != s.At(0)):
		return s, false
	default:
		return s.Rest(), true
	}
}
