// Kafka in rehearse up: one broker, and its journal among those that are served.

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/rehearse-go/rehearse/journal"
)

// upKafka is the Kafka of rehearse up.
type upKafka struct {
	run     *kafkaRun
	journal *journal.Journal
	files   *boundedFiles
}

// startUpKafka starts a broker at a loopback address and writes what happens
// to the directory of the journals.
func startUpKafka(ctx context.Context, address string, root *os.Root) (*upKafka, error) {
	var l kafkaListener
	if err := l.UnmarshalText([]byte(address)); err != nil {
		return nil, fmt.Errorf("--kafka: %w", err)
	}
	if !isLoopback(l.Host) {
		return nil, fmt.Errorf("--kafka %s: only a loopback address; rehearse kafka knows others", address)
	}
	c := kafkaConfig{Listeners: []kafkaListener{l}}
	u := &upKafka{journal: newKafkaJournal(c), files: &boundedFiles{root: root, limit: upJournalLimit}}
	u.journal.Stream(u.files)
	run, err := startKafka(ctx, c, u.journal)
	if err != nil {
		return nil, errors.Join(err, u.files.Close())
	}
	u.run = run
	return u, nil
}

// close stops the broker. Why the journal ended early is told, if it did.
func (u *upKafka) close() error {
	err := u.run.cluster.Close()
	err = errors.Join(err, u.journal.Err())
	u.journal.Stream(nil)
	return errors.Join(err, u.files.Close())
}

// upJournalLimit is how large a journal grows before the next one begins: as
// large as a page of it is still quick to draw.
const upJournalLimit = 8 << 20

// The journals of rehearse up's Kafka: the latest, and the one before it.
const (
	upJournal       = "kafka.journal"
	upJournalBefore = "kafka-before.journal"
)

// boundedFiles takes a journal's stream. When the file has grown to limit it
// becomes the one before, and another begins with the same header.
type boundedFiles struct {
	root   *os.Root
	limit  int
	header []byte // the stream's first Write
	file   *os.File
	size   int
}

// Write writes one line of the stream.
func (b *boundedFiles) Write(line []byte) (int, error) {
	switch {
	case b.header == nil:
		b.header = bytes.Clone(line)
		return len(line), b.begin()
	case b.size+len(line) > b.limit && b.size > len(b.header):
		if err := b.begin(); err != nil {
			return 0, err
		}
	}
	n, err := b.file.Write(line)
	b.size += n
	return n, err
}

// begin begins a file with the header.
func (b *boundedFiles) begin() error {
	if err := b.Close(); err != nil {
		return err
	}
	err := b.root.Rename(upJournal, upJournalBefore)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return plainError(err)
	}
	b.file, err = b.root.OpenFile(upJournal, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return plainError(err)
	}
	b.size, err = b.file.Write(b.header)
	return err
}

// Close closes the file.
func (b *boundedFiles) Close() error {
	if b.file == nil {
		return nil
	}
	err := b.file.Close()
	b.file = nil
	return err
}
