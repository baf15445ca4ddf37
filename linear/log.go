// A log: produce and linearizable reads.

package linear

import "github.com/rehearse-go/rehearse/history"

// Log is the model of a log whose first offset is 0 and whose offsets have no
// gaps. It judges produces and linearizable reads; other reads and final logs
// are none of its business. [history.Log.Check] judges those too, in far less
// time, and tells more: this is the proof of it, for short histories.
func Log() Model[Seq, history.LogOp, history.LogResult] {
	return Model[Seq, history.LogOp, history.LogResult]{
		Name: "log",
		Key: func(in history.LogOp) (string, bool) {
			return "", in.Kind == history.LogProduce || in.Kind == history.LogRead && in.Linearizable
		},
		Pure:  func(in history.LogOp) bool { return in.Kind == history.LogRead },
		Step:  stepLog,
		Equal: Seq.Equal,
		Hash:  Seq.Hash,
		Show:  Seq.String,
	}
}

func stepLog(s Seq, in history.LogOp, out *history.LogResult) (Seq, bool) {
	if in.Kind == history.LogProduce {
		return s.Append(in.Value), out == nil || out.Offset == int64(s.Len())
	}
	if out == nil {
		return s, true
	}
	next := in.From
	for _, r := range out.Records {
		if r.Offset != next || next < 0 || next >= int64(s.Len()) || s.At(int(next)) != r.Value {
			return s, false
		}
		next++
	}
	return s, out.More || next >= int64(s.Len())
}
