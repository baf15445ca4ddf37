// A stream of JetStream on one server, and how a server is started here.

package log_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// subject is what everything is published to, and stream what keeps it.
const subject, stream = "log", "LOG"

// patience bounds what must happen soon: starting, electing, catching up.
const patience = 2 * time.Minute

// startServer starts a server that syncs before it acknowledges, as
// "sync_interval: always" has it; its default is every two minutes.
func startServer(o *server.Options) (*server.Server, error) {
	o.Host, o.Port = "127.0.0.1", server.RANDOM_PORT
	o.JetStream, o.SyncAlways = true, true
	o.JetStreamMaxMemory, o.JetStreamMaxStore = 1<<30, 1<<40
	o.NoLog, o.NoSigs = true, true
	s, err := server.NewServer(o)
	if err != nil {
		return nil, err
	}
	s.Start()
	if !s.ReadyForConnections(patience) {
		stopServer(s)
		return nil, errors.New("the server has not become ready")
	}
	return s, nil
}

func stopServer(s *server.Server) {
	s.Shutdown()
	s.WaitForShutdown()
}

// A streamLog is a stream with one replica, its client connected in process.
// Acknowledged means: written and synced by fsync, each message by itself.
type streamLog struct {
	server *server.Server
	conn   *nats.Conn
	js     jetstream.JetStream
	atomic bool // a batch is published as one: one acknowledgement, one sync
	batch  int
}

func openJetStream(dir string) (localLog, error) { return openStream(dir, false) }

// openJetStreamAtomic publishes batches atomically, which is the quickest way
// that JetStream has, and at least as much as our batches promise.
func openJetStreamAtomic(dir string) (localLog, error) { return openStream(dir, true) }

func openStream(dir string, atomic bool) (localLog, error) {
	s, err := startServer(&server.Options{ServerName: "n1", StoreDir: dir})
	if err != nil {
		return nil, err
	}
	l := &streamLog{server: s, atomic: atomic}
	if l.conn, err = nats.Connect("", nats.InProcessServer(s)); err != nil {
		stopServer(s)
		return nil, err
	}
	if l.js, err = jetstream.New(l.conn); err == nil {
		err = createStream(l.js, 1)
	}
	if err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// createStream makes the stream, unless it is there.
func createStream(js jetstream.JetStream, replicas int) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, err := js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name:               stream,
		Subjects:           []string{subject},
		Storage:            jetstream.FileStorage,
		Replicas:           replicas,
		AllowAtomicPublish: true,
	})
	return err
}

func (l *streamLog) Append(batch [][]byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	switch {
	case len(batch) == 1:
		_, err := l.js.Publish(ctx, subject, batch[0])
		return err
	case l.atomic:
		return l.appendAtomic(ctx, batch)
	default:
		return l.appendAsync(ctx, batch)
	}
}

func (l *streamLog) appendAsync(ctx context.Context, batch [][]byte) error {
	acks := make([]jetstream.PubAckFuture, len(batch))
	for i, record := range batch {
		ack, err := l.js.PublishAsync(subject, record)
		if err != nil {
			return err
		}
		acks[i] = ack
	}
	for _, ack := range acks {
		select {
		case <-ack.Ok():
		case err := <-ack.Err():
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// appendAtomic numbers the batch's messages and asks for an acknowledgement
// with the last, as ADR-50 of nats-architecture-and-design describes.
func (l *streamLog) appendAtomic(ctx context.Context, batch [][]byte) error {
	l.batch++
	for i, record := range batch {
		m := nats.NewMsg(subject)
		m.Data = record
		m.Header.Set("Nats-Batch-Id", strconv.Itoa(l.batch))
		m.Header.Set("Nats-Batch-Sequence", strconv.Itoa(i+1))
		if i < len(batch)-1 {
			if err := l.conn.PublishMsg(m); err != nil {
				return err
			}
			continue
		}
		m.Header.Set("Nats-Batch-Commit", "1")
		if _, err := l.js.PublishMsg(ctx, m); err != nil {
			return fmt.Errorf("batch %d: %w", l.batch, err)
		}
	}
	return nil
}

func (l *streamLog) Records() ([][]byte, error) { return readStream(l.js) }

// readStream reads the stream's messages one by one.
func readStream(js jetstream.JetStream) (all [][]byte, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	s, err := js.Stream(ctx, stream)
	if err != nil {
		return nil, err
	}
	for i := range s.CachedInfo().State.LastSeq {
		m, err := s.GetMsg(ctx, i+1)
		if err != nil {
			return nil, err
		}
		all = append(all, m.Data)
	}
	return all, nil
}

func (l *streamLog) Close() error {
	l.conn.Close()
	stopServer(l.server)
	return nil
}
