// What the package is for.

// Package wal is a log on disk: the entries of a replicated log in segments,
// with the records in them. An entry is written once; it is the Raft log's and
// the record log's at the same time.
//
//	l, err := wal.Open(wal.Config{FS: fs})
//	if err != nil {
//		return err
//	}
//	defer l.Close()
//	batch, _ := wal.Encode(wal.Batch{Records: []wal.Record{{Value: []byte("hello")}}})
//	data := wal.AppendGroup(nil, now, batch)
//	err = l.Append(wal.State{Term: 1}, []wal.Entry{{Index: 1, Term: 1, Data: data}})
//	err = l.Sync()                              // now it is durable
//	records, err := l.Read(0, l.Next(), 1<<20) // by offset
//
// # What lies in the directory
//
// A segment, "<first index>-<first offset>.seg", is a file of frames, each
// chained to the one before by its checksum. It begins with its first index, a
// checkpoint of its owner's and the hard state, all of which was synced before
// it got its name. Only the last one is written. The others end with a seal, a
// summary; an ".idx" beside them tells where their entries begin, and is made
// anew if it is missing or wrong. LOCK keeps other processes away, CUT and the directory "install" are there while
// something is replaced, "staging" and "spare" while it is made ready. A file
// IDENTITY is the owner's, written once the log was opened: where it lies and
// no segment does, somebody has removed them, and nothing is begun anew.
//
// # What is promised
//
// After a successful Sync all that was appended before is read back after any
// crash, or the log says what is damaged and where ([Corrupt]). What was not
// synced may be there or not, from the end backwards. Every read checks its
// checksums. Every frame carries how far the segment was synced when it was
// written: so a bad frame that a later one knows to be synced is damage,
// whatever it looks like. Behind the last such mark, a bad frame of which a
// sector is blank was being written when the power went, and is cut off; frames
// are stored so that neither their data nor one flipped bit leaves a sector
// blank. Anything else is damage.
//
// Not promised: that the loss of a whole sector of the last synced frames is
// told from a torn write, before [Log.Mark] or the next append leaves a mark
// behind them; that the loss of segments at the front is told from trimming;
// and anything of a disk whose sectors are smaller than 512 bytes, or whose
// sync lies, but that what is read was appended.
package wal
