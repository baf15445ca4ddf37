// Programs on a disk, right and wrong: what a crash, the states and a failed sync make of them.

package vdisk_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/rehearse-go/rehearse/rule"
	"github.com/rehearse-go/rehearse/vdisk"
)

// A wal is a small log: each record is length, checksum, data. The flags are
// mistakes that programs have made.
type wal struct {
	f   vdisk.File
	end int64

	early bool // acknowledges before the sync
	again bool // tries a sync that failed once more
}

// openWal opens the log, or begins it, and returns its records: those before
// the first that is torn, which is cut off.
func openWal(fsys vdisk.FS) (w *wal, records []string, err error) {
	f, err := fsys.OpenFile("wal", os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, nil, err
	}
	w = &wal{f: f}
	size, err := f.Size()
	if err != nil {
		return nil, nil, err
	}
	b := make([]byte, size)
	if _, err := io.ReadFull(f, b); err != nil && err != io.EOF {
		return nil, nil, err
	}
	for {
		record, ok := parse(b[w.end:])
		if !ok {
			break
		}
		records = append(records, record)
		w.end += 8 + int64(len(record))
	}
	return w, records, errors.Join(f.Truncate(w.end), f.Sync(), fsys.SyncDir("."))
}

func parse(b []byte) (record string, ok bool) {
	if len(b) < 8 {
		return "", false
	}
	n, sum := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:])
	if n == 0 || int(n) > len(b)-8 || crc32.ChecksumIEEE(b[8:8+n]) != sum {
		return "", false
	}
	return string(b[8 : 8+n]), true
}

// add appends a record and calls acknowledge when, by what the program
// believes, no crash can take it away.
func (w *wal) add(record string, acknowledge func()) error {
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(record)))
	b = binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE([]byte(record)))
	if _, err := w.f.WriteAt(append(b, record...), w.end); err != nil {
		return err
	}
	w.end += int64(8 + len(record))
	if w.early {
		acknowledge()
	}
	err := w.f.Sync()
	if err != nil && w.again {
		err = w.f.Sync()
	}
	if err == nil && !w.early {
		acknowledge()
	}
	return err
}

// record is the i-th, some a few bytes long, some more than two sectors.
func record(i int) string { return fmt.Sprint(i, strings.Repeat("-", i%4*400)) }

// lacks says which acknowledged record a disk has not, if any.
func lacks(d *vdisk.Disk, acked []string) string {
	_, got, err := openWal(d.Mount())
	if err != nil {
		return err.Error()
	}
	for i, want := range acked {
		if i >= len(got) || got[i] != want {
			return fmt.Sprintf("record %d of %d is gone", i, len(acked))
		}
	}
	return ""
}

// survives runs the log through every crash there may be before each sync and
// at the end, and says what was lost first.
func survives(t *testing.T, early bool) string {
	d := vdisk.New(vdisk.Config{})
	w, _, err := openWal(d.Mount())
	ok(t, err)
	w.early = early
	var acked []string
	complaint, count := "", 0
	check := func() {
		for state, err := range d.States(1000) {
			ok(t, err)
			if count++; complaint == "" {
				complaint = lacks(state, acked)
			}
		}
	}
	d.Rule(func(op vdisk.Op) (v vdisk.Verdict, decided bool) {
		if op.Kind == vdisk.Sync {
			check()
		}
		return v, false
	})
	for i := range 8 {
		ok(t, w.add(record(i), func() { acked = append(acked, record(i)) }))
	}
	check()
	if count < 30 {
		t.Errorf("only %d states were looked at", count)
	}
	return complaint
}

func TestEveryStateOfALogThatSyncsFirstHasWhatItAcknowledged(t *testing.T) {
	if complaint := survives(t, false); complaint != "" {
		t.Error(complaint)
	}
}

func TestStatesFindALogThatAcknowledgesBeforeItsSync(t *testing.T) {
	if survives(t, true) == "" {
		t.Error("nothing was found")
	}
}

func TestACrashFindsALogThatAcknowledgesBeforeItsSync(t *testing.T) {
	lost := func(early bool) (n int) {
		for seed := range uint64(50) {
			d := vdisk.New(vdisk.Config{Seed: seed})
			w, _, err := openWal(d.Mount())
			ok(t, err)
			w.early = early
			var acked []string
			remove := d.Rule(func(op vdisk.Op) (v vdisk.Verdict, decided bool) {
				if op.Kind == vdisk.Sync && len(acked) > int(seed%8) {
					d.Crash(vdisk.Crash{})
				}
				return v, false
			})
			for i := 0; err == nil; i++ {
				err = w.add(record(i), func() { acked = append(acked, record(i)) })
			}
			remove()
			if lacks(d, acked) != "" {
				n++
			}
		}
		return n
	}
	if n := lost(false); n > 0 {
		t.Errorf("a log that is right lost records in %d of 50 crashes", n)
	}
	if n := lost(true); n < 10 {
		t.Errorf("a log that is wrong lost records in only %d of 50 crashes", n)
	}
}

func TestATornTailIsCutOffAndTheLogGoesOn(t *testing.T) {
	torn := 0
	for seed := range uint64(50) {
		d := vdisk.New(vdisk.Config{Seed: seed})
		w, _, err := openWal(d.Mount())
		ok(t, err)
		ok(t, w.add("first", func() {}))
		put(t, w.f, w.end, "\xb8\x0b\x00\x00sum?"+strings.Repeat("x", 2000)) // half a record of 3000 bytes
		if losses := d.Crash(vdisk.Crash{}); len(losses) > 0 && len(content(d.Mount(), "wal")) > 13 {
			torn++
		}
		w, records, err := openWal(d.Mount())
		if err != nil || len(records) != 1 || records[0] != "first" {
			t.Fatalf("seed %d: %q, %v", seed, records, err)
		}
		ok(t, w.add("second", func() {}))
		d.Crash(vdisk.Crash{Lose: true})
		if complaint := lacks(d, []string{"first", "second"}); complaint != "" {
			t.Errorf("seed %d: %s", seed, complaint)
		}
	}
	if torn == 0 {
		t.Error("no tail was torn")
	}
}

func TestASyncThatFailedAndIsTriedAgainLosesWhatItAcknowledges(t *testing.T) {
	run := func(again bool) (acked []string, d *vdisk.Disk) {
		d = vdisk.New(vdisk.Config{})
		w, _, err := openWal(d.Mount())
		ok(t, err)
		w.again = again
		ok(t, w.add("first", func() { acked = append(acked, "first") }))
		d.Rule(rule.Then(is(vdisk.Sync).First(), vdisk.Verdict{Err: syscall.EIO}))
		err = w.add("second", func() { acked = append(acked, "second") })
		if again == (err != nil) {
			t.Errorf("again %v: the second record's sync said %v", again, err)
		}
		if got := content(d.Mount(), "wal"); !strings.HasSuffix(got, "second") {
			t.Errorf("the page cache has %q", got)
		}
		d.Crash(vdisk.Crash{})
		return acked, d
	}
	acked, d := run(false)
	if complaint := lacks(d, acked); complaint != "" {
		t.Errorf("who stops at the first error: %s", complaint)
	}
	acked, d = run(true)
	if len(acked) != 2 || lacks(d, acked) != "record 1 of 2 is gone" {
		t.Errorf("who tries again: acknowledged %q, %q", acked, lacks(d, acked))
	}
}

// save writes a settings file in place of the old one, and leaves out the
// steps that are named.
func save(fsys vdisk.FS, text, without string) error {
	f, err := fsys.OpenFile("config.new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(f, text); err != nil {
		return err
	}
	if without != "sync" {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close(), fsys.Rename("config.new", "config")); err != nil || without == "syncdir" {
		return err
	}
	return fsys.SyncDir(".")
}

func TestSettingsAreOldOrNewIfAllIsSynced(t *testing.T) {
	for _, c := range []struct {
		without string
		want    map[string]bool // what the settings may be once save has returned
	}{
		{"", map[string]bool{"new": true}},
		{"syncdir", map[string]bool{"old": true, "new": true}},                 // the rename is lost
		{"sync", map[string]bool{"new": true, "": true, "\x00\x00\x00": true}}, // the data is
	} {
		d := vdisk.New(vdisk.Config{})
		ok(t, save(d.Mount(), "old", ""))
		d.Rule(func(op vdisk.Op) (v vdisk.Verdict, decided bool) {
			if op.Kind == vdisk.SyncDir && c.without == "" {
				for _, s := range configs(t, d) {
					if s != "old" && s != "new" {
						t.Errorf("a crash on the way leaves %q", s)
					}
				}
			}
			return v, false
		})
		ok(t, save(d.Mount(), "new", c.without))
		got := map[string]bool{}
		for _, s := range configs(t, d) {
			got[s] = true
		}
		if fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("without %q: %v, want %v", c.without, got, c.want)
		}
	}
}

func configs(t *testing.T, d *vdisk.Disk) (list []string) {
	for state, err := range d.States(1000) {
		ok(t, err)
		list = append(list, content(state.Mount(), "config"))
	}
	return list
}
