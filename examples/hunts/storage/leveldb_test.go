// syndtr/goleveldb as a store of words, on a disk that is handed over.

package storage_test

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/syndtr/goleveldb/leveldb"
	"github.com/syndtr/goleveldb/leveldb/opt"
	"github.com/syndtr/goleveldb/leveldb/storage"

	"github.com/rehearse-go/rehearse/vdisk"
)

var (
	// levelDB is goleveldb with a write buffer that some words fill.
	levelDB = subject{name: "goleveldb", open: openLevelDB(opt.DefaultStrict)}

	levelDBOnExt4 = onExt4(levelDB)

	// strictLevelDB is asked to tell of all damage.
	strictLevelDB = subject{name: "strict goleveldb", open: openLevelDB(opt.StrictAll)}
)

func openLevelDB(strict opt.Strict) func(vdisk.FS) (store, error) {
	return func(disk vdisk.FS) (store, error) {
		files := &levelFiles{disk: disk, turn: make(chan struct{}, 1)}
		db, err := leveldb.Open(files, &opt.Options{WriteBuffer: 8 << 10, Strict: strict})
		if err != nil {
			return nil, err
		}
		return &pairs{DB: db}, nil
	}
}

// pairs keeps each word under its number.
type pairs struct {
	*leveldb.DB
	last int // the last number given, or 0
}

func (p *pairs) add(words ...string) error {
	if p.last == 0 {
		i := p.NewIterator(nil, nil)
		defer i.Release()
		if i.Last() {
			p.last, _ = strconv.Atoi(string(i.Key()))
		}
		if err := i.Error(); err != nil {
			return err
		}
	}
	b := new(leveldb.Batch)
	for _, word := range words {
		p.last++
		b.Put(fmt.Appendf(nil, "%06d", p.last), []byte(word))
	}
	return p.Write(b, &opt.WriteOptions{Sync: true})
}

func (p *pairs) words() (words []string, err error) {
	i := p.NewIterator(nil, nil)
	defer i.Release()
	for i.Next() {
		words = append(words, string(i.Value()))
	}
	return words, i.Error()
}

func (p *pairs) close() { p.Close() }

// levelFiles is a storage.Storage that does what OpenFile's does.
type levelFiles struct {
	disk vdisk.FS
	turn chan struct{} // holds a token while somebody reads or writes CURRENT
}

var levelNames = map[storage.FileType]string{
	storage.TypeManifest: "MANIFEST-%06d", storage.TypeJournal: "%06d.log",
	storage.TypeTable: "%06d.ldb", storage.TypeTemp: "%06d.tmp",
}

func levelName(fd storage.FileDesc) string { return fmt.Sprintf(levelNames[fd.Type], fd.Num) }

func (f *levelFiles) Lock() (storage.Locker, error) { return unlocked{}, nil }
func (f *levelFiles) Log(string)                    {}
func (f *levelFiles) Close() error                  { return nil }

type unlocked struct{}

func (unlocked) Unlock() {}

func (f *levelFiles) Open(fd storage.FileDesc) (storage.Reader, error) {
	file, err := f.disk.OpenFile(levelName(fd), os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	size, err := file.Size()
	return levelReader{io.NewSectionReader(file, 0, size), file}, err
}

// A levelReader reads what the file held when it was opened: such files are
// not written to any more.
type levelReader struct {
	*io.SectionReader
	io.Closer
}

func (f *levelFiles) Create(fd storage.FileDesc) (storage.Writer, error) {
	file, err := f.disk.OpenFile(levelName(fd), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	return levelWriter{file, f.disk, fd.Type == storage.TypeManifest}, err
}

// A levelWriter syncs its name too if it is named, as a manifest is.
type levelWriter struct {
	vdisk.File
	disk  vdisk.FS
	named bool
}

func (w levelWriter) Sync() error {
	err := w.File.Sync()
	if err == nil && w.named {
		err = w.disk.SyncDir(".")
	}
	return err
}

func (f *levelFiles) Remove(fd storage.FileDesc) error { return f.disk.Remove(levelName(fd)) }

func (f *levelFiles) Rename(from, to storage.FileDesc) error {
	return f.disk.Rename(levelName(from), levelName(to))
}

func (f *levelFiles) List(of storage.FileType) (found []storage.FileDesc, err error) {
	names, err := f.disk.ReadDir(".")
	for _, name := range names {
		for kind, form := range levelNames {
			fd := storage.FileDesc{Type: kind}
			if n, _ := fmt.Sscanf(name, form, &fd.Num); n == 1 && name == levelName(fd) && kind&of != 0 {
				found = append(found, fd)
			}
		}
	}
	return found, err
}

// SetMeta lets CURRENT name a manifest, by a file that is renamed.
func (f *levelFiles) SetMeta(fd storage.FileDesc) error {
	f.turn <- struct{}{}
	defer func() { <-f.turn }()
	return f.setMeta(fd)
}

func (f *levelFiles) setMeta(fd storage.FileDesc) error {
	text := levelName(fd) + "\n"
	was, err := f.read("CURRENT")
	switch {
	case err == nil && was == text:
		return nil
	case err == nil:
		err = f.write("CURRENT.bak", was)
	case errors.Is(err, fs.ErrNotExist):
		err = nil
	}
	pending := fmt.Sprintf("CURRENT.%d", fd.Num)
	if err == nil {
		err = f.write(pending, text)
	}
	if err == nil {
		err = f.disk.Rename(pending, "CURRENT")
	}
	if err == nil {
		err = f.disk.SyncDir(".")
	}
	return err
}

// GetMeta returns the manifest that CURRENT names, or one that was about to
// be named, if it is newer, or the one before.
func (f *levelFiles) GetMeta() (storage.FileDesc, error) {
	f.turn <- struct{}{}
	defer func() { <-f.turn }()
	names, err := f.disk.ReadDir(".")
	if err != nil {
		return storage.FileDesc{}, err
	}
	pending := slices.DeleteFunc(names, func(name string) bool {
		number, ok := strings.CutPrefix(name, "CURRENT.")
		_, err := strconv.Atoi(number)
		return !ok || err != nil
	})
	best, from, bad := storage.FileDesc{}, "", error(fs.ErrNotExist)
	for _, name := range slices.Concat([]string{"CURRENT", "CURRENT.bak"}, pending) {
		fd, err := f.named(name)
		backup := name == "CURRENT.bak" && from != ""
		switch {
		case err == nil && !backup && (from == "" || fd.Num > best.Num):
			best, from = fd, name
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			bad = err
		}
	}
	if from == "" {
		return best, bad
	}
	if (from != "CURRENT" || len(pending) > 0) && f.setMeta(best) == nil {
		for _, name := range pending {
			f.disk.Remove(name)
		}
	}
	return best, nil
}

// named reads which manifest a file names, and looks whether it is there.
func (f *levelFiles) named(name string) (fd storage.FileDesc, err error) {
	text, err := f.read(name)
	if err != nil {
		return fd, err
	}
	fd.Type = storage.TypeManifest
	if n, _ := fmt.Sscanf(text, "MANIFEST-%d\n", &fd.Num); n != 1 || text != levelName(fd)+"\n" {
		return fd, &storage.ErrCorrupted{Err: fmt.Errorf("%s holds %q", name, text)}
	}
	_, err = f.disk.Stat(levelName(fd))
	return fd, err
}

func (f *levelFiles) read(name string) (string, error) {
	file, err := f.disk.OpenFile(name, os.O_RDONLY, 0)
	if err != nil {
		return "", err
	}
	defer file.Close()
	text, err := io.ReadAll(io.NewSectionReader(file, 0, 1<<20))
	return string(text), err
}

func (f *levelFiles) write(name, text string) error {
	file, err := f.disk.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	_, err = io.WriteString(file, text)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}
