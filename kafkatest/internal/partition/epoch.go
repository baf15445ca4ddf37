// Leader epochs: where each began (KIP-101, KIP-279, KIP-320).

package partition

import "slices"

// An epochStart is the offset at which a leader's epoch began.
type epochStart struct {
	epoch int32
	start int64
}

// StartEpoch tells that a leader of that epoch appends from the end on. An
// epoch that is not later than the last is known already.
func (l *Log) StartEpoch(epoch int32) {
	if n := len(l.epochs); epoch < 0 || n > 0 && l.epochs[n-1].epoch >= epoch {
		return
	}
	// An epoch in which nothing was appended leaves no trace.
	if n := len(l.epochs); n > 0 && l.epochs[n-1].start == l.end {
		l.epochs = l.epochs[:n-1]
	}
	l.epochs = append(l.epochs, epochStart{epoch, l.end})
}

// LastEpoch returns the latest epoch, -1 if there was none.
func (l *Log) LastEpoch() int32 {
	if len(l.epochs) == 0 {
		return -1
	}
	return l.epochs[len(l.epochs)-1].epoch
}

// EpochAt returns the epoch in which the record at offset was appended, -1 if
// that is not known.
func (l *Log) EpochAt(offset int64) int32 {
	for _, e := range slices.Backward(l.epochs) {
		if e.start <= offset {
			return e.epoch
		}
	}
	return -1
}

// EpochEnd returns the latest epoch known that is not after epoch, and where
// it ended; -1 and -1 if epoch is later than any.
func (l *Log) EpochEnd(epoch int32) (int32, int64) {
	if epoch < 0 || epoch > l.LastEpoch() {
		return -1, -1
	}
	if epoch == l.LastEpoch() {
		return epoch, l.end
	}
	next := slices.IndexFunc(l.epochs, func(e epochStart) bool { return e.epoch > epoch })
	if next == 0 { // older than all that is left
		return epoch, l.epochs[0].start
	}
	return l.epochs[next-1].epoch, l.epochs[next].start
}

// Diverges tells a reader that has read up to offset, the last record in the
// epoch given, where its log and this one part, if they do.
func (l *Log) Diverges(epoch int32, offset int64) (at int32, end int64, diverges bool) {
	at, end = l.EpochEnd(epoch)
	return at, end, at < epoch || end < offset
}

// cutEpochs forgets the epochs that began at or after the end.
func (l *Log) cutEpochs() {
	l.epochs = slices.DeleteFunc(l.epochs, func(e epochStart) bool { return e.start >= l.end })
}

// trimEpochs forgets the epochs that ended before the start.
func (l *Log) trimEpochs() {
	keep := len(l.epochs) - 1
	for ; keep > 0 && l.epochs[keep].start > l.start; keep-- {
	}
	if keep < 0 {
		return
	}
	l.epochs = slices.Delete(l.epochs, 0, keep)
	l.epochs[0].start = max(l.epochs[0].start, l.start)
}

// LastEpochStart returns where the latest epoch began; 0 if there was none.
func (l *Log) LastEpochStart() int64 {
	if len(l.epochs) == 0 {
		return 0
	}
	return l.epochs[len(l.epochs)-1].start
}
