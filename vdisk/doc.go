// What the package is, the model of a disk behind it, and where that comes from.

// Package vdisk is a disk in memory that forgets in a crash what was not
// synced, and a file system on it that programs use as they use the operating
// system's ([OS]).
//
//	d := vdisk.New(vdisk.Config{Seed: 1})
//	fs := d.Mount()
//	f, _ := fs.OpenFile("wal", os.O_CREATE|os.O_RDWR, 0o644)
//	fs.SyncDir(".")          // the name is stable
//	f.Write([]byte("one\n"))
//	f.Sync()                 // so is the first line
//	f.Write([]byte("two\n"))
//	d.Crash(vdisk.Crash{})   // the second may be there, or not, or in part
//	fs = d.Mount()           // what survived
//
// # What is stable
//
// Every file has a content that programs see and one that is stable. File.Sync
// makes its data and its size stable, as fdatasync does (fdatasync(2): the
// size belongs to what is needed to read the data). It does not make the
// file's name stable, though ext4 does in most cases: POSIX does not ask for
// it, and fsync(2) says that the directory needs a sync of its own; ask for
// what ext4 does with Config.SyncNames. SyncDir makes every change of names in
// that directory stable, and the earlier ones of the same names elsewhere.
//
// # What a crash leaves
//
// A file keeps what is stable; of the rest each of these is chosen apart:
//
//   - of every unsynced sector, the stable content, the newest, or one in
//     between. So a write may be torn at a sector's edge, and a later write
//     may be there while an earlier one is not. Sectors are never torn.
//   - the size: stable, or any that the file had since, or, where it grew by
//     writing, any end of a sector in between. Where the size is there and the
//     data is not, the file reads as zeros (delayed allocation, and what
//     Pillai et al., "All File Systems Are Not Created Equal", OSDI 2014,
//     found about appends).
//   - truncations: as many of them as were done, in order, as the journal of
//     a file system keeps them. What was written after a truncation into the
//     part that it cut off is not there without the truncation; but the
//     sector that it cut within is written in place, as data, like others.
//
// Of the unsynced changes of names, any may be there without any other, but
// those of one name stay in order, a rename is done wholly or not at all and
// not into a directory that is not there, and a directory is not gone before
// what was in it. So a rename may arrive before
// the data of the file that it renamed. At most 4096 changes wait so; then
// the oldest is stored, as a kernel's write-back does in time.
//
// Between two syncs three contents of a sector, four truncations and 64 sizes
// are told apart; of more, fewer states are drawn than there could be. Nothing
// of that touches Crash{Lose: true}, which leaves just what is stable.
//
// # Who lives on
//
// A crash ends what was mounted: operations fail with [ErrCrashed]. Where the
// program stays in the process and would panic at that, Crash{Ghost: true}
// lets it go on, on a copy that nobody else sees.
//
// # A failed sync
//
// A Sync that fails has lost what it was to store: programs still read it,
// but it is not dirty any more, the next Sync succeeds and stores nothing of
// it, and after a crash the old content is there. Linux behaves so on ext4 and
// xfs, as PostgreSQL found in 2018, see Rebello et al., "Can Applications
// Recover from fsync Failures?", USENIX ATC 2020. The size and truncations
// are metadata and stay to be stored. A SyncDir that fails stores nothing and
// loses nothing.
//
// # Rules, faults, states
//
// [Disk.Rule] decides about single operations, [Fault] is what goes wrong as
// data, and [Disk.States] goes through all that a crash could leave.
//
// # What a journal says
//
//	disk.OP        an operation, by its [OpKind]: disk.write, disk.sync, ...
//	disk.crash     a crash, and whether it drew, lost or kept; its losses follow
//	disk.loss      what became of one file or change of names; its cause is the crash
//	fault.disk     a fault began, or a bit was flipped
//	fault.end      the fault that is its cause ended
//	fault.rule     a rule decided, what and about what
//
// Where is Config.Name, Subject the file (of a fault or loss, its text), Size
// the bytes read or written. Notes tell offsets and errors. Contents are not
// kept.
//
// # What is not modelled
//
// Links, permissions, times, memory maps; sectors torn within; old contents
// of other files showing up in new ones; names taking room; and that a sync of
// one file stores another's data too. Opening with os.O_SYNC makes every
// write a Write and a Sync.
//
// Waiting, for a Latency, a Pause or a fault, is on timers and channels, so
// that in a testing/synctest bubble the clock goes on.
package vdisk
