// Ours: the log alone, and three nodes of it.

package log_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"sync"
	"time"

	"github.com/rehearse-go/rehearse/commitlog"
	"github.com/rehearse-go/rehearse/commitlog/wal"
)

// A commitLog is the log alone, with its defaults. Acknowledged means: written
// to a preallocated segment and synced by fdatasync, with a checksum for each
// frame and each record.
type commitLog struct {
	log  *wal.Log
	next uint64
}

func openCommitLog(dir string) (localLog, error) {
	files, err := wal.Dir(filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	l, err := wal.Open(wal.Config{FS: files})
	if err != nil {
		return nil, err
	}
	return &commitLog{l, l.Last() + 1}, nil
}

func (l *commitLog) Append(batch [][]byte) error {
	b, err := wal.Encode(asBatch(batch))
	if err != nil {
		return err
	}
	e := wal.Entry{Index: l.next, Term: 1, Data: wal.AppendGroup(nil, time.Now(), b)}
	if err := l.log.Append(wal.State{}, []wal.Entry{e}); err != nil {
		return err
	}
	l.next++
	return l.log.Sync()
}

func asBatch(values [][]byte) (b wal.Batch) {
	for _, v := range values {
		b.Records = append(b.Records, wal.Record{Value: v})
	}
	return b
}

func (l *commitLog) Records() (all [][]byte, err error) {
	for from := l.log.Low(); from < l.log.Next(); {
		records, err := l.log.Read(from, l.log.Next(), 1<<20)
		if err != nil {
			return nil, err
		}
		for _, r := range records {
			all = append(all, r.Value)
		}
		from += uint64(len(records))
	}
	return all, nil
}

func (l *commitLog) Close() error { return l.log.Close() }

// commitCluster is three nodes with their defaults. Acknowledged means: synced
// by fdatasync in the logs of a majority, the leader's among them, and
// readable at the leader.
//
// A node is known to the others by its name, wherever it listens.
type commitCluster struct {
	dir   string
	nodes [3]*commitlog.Node
	ended [3]chan error
	down  int

	mu    sync.Mutex
	addrs map[string]string // where the names are
}

func openCommitCluster(dir string) (cluster, error) {
	c := &commitCluster{dir: dir, addrs: map[string]string{}}
	err := c.found()
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (c *commitCluster) found() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for i := range c.nodes {
		if err := c.start(i); err != nil {
			return err
		}
	}
	leader, err := c.nodes[0].WaitLeader(ctx)
	if err != nil {
		return err
	}
	at := c.index(leader.ID)
	for i, n := range c.nodes {
		m := commitlog.Member{Name: nodeName(i), Addr: nodeName(i), ID: n.Status().ID}
		if err := c.nodes[at].Join(ctx, m); err != nil {
			return err
		}
	}
	return c.nodes[at].WaitMembers(ctx, func(all []commitlog.Member) bool {
		voters := 0
		for _, m := range all {
			if !m.Learner {
				voters++
			}
		}
		return voters == len(c.nodes)
	})
}

func (c *commitCluster) start(i int) error {
	files, err := wal.Dir(filepath.Join(c.dir, nodeName(i)))
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	c.mu.Lock()
	c.addrs[nodeName(i)] = l.Addr().String()
	c.mu.Unlock()
	n, err := commitlog.New(commitlog.Config{
		Name: nodeName(i), Addr: nodeName(i), Bootstrap: i == 0,
		FS: files, Listener: l, Dial: c.dial, Election: 20,
	})
	if err != nil {
		return errors.Join(err, l.Close())
	}
	c.nodes[i], c.ended[i] = n, make(chan error, 1)
	go func() { c.ended[i] <- n.Run(context.Background()) }()
	return nil
}

func (c *commitCluster) dial(ctx context.Context, network, name string) (net.Conn, error) {
	c.mu.Lock()
	address := c.addrs[name]
	c.mu.Unlock()
	var d net.Dialer
	return d.DialContext(ctx, network, address)
}

func (c *commitCluster) index(name string) int {
	for i := range c.nodes {
		if nodeName(i) == name {
			return i
		}
	}
	return 0
}

func (c *commitCluster) leader() int {
	for i, n := range c.nodes {
		if n != nil && n.Status().Role == commitlog.Leading {
			return i
		}
	}
	return 0
}

func (c *commitCluster) Produce(record []byte) error {
	_, err := c.nodes[c.leader()].Produce(context.Background(), asBatch([][]byte{record}))
	return err
}

func (c *commitCluster) Stop() error {
	c.down = (c.leader() + 1) % len(c.nodes)
	return c.stop(c.down)
}

func (c *commitCluster) stop(i int) error {
	n := c.nodes[i]
	if n == nil {
		return nil
	}
	c.nodes[i] = nil
	return errors.Join(n.Close(), <-c.ended[i])
}

func (c *commitCluster) Restart() error {
	if err := c.start(c.down); err != nil {
		return err
	}
	last := c.nodes[c.leader()].Status().Applied
	return c.nodes[c.down].WaitApplied(context.Background(), last)
}

func (c *commitCluster) Records(node int) (all [][]byte, err error) {
	for r, err := range c.nodes[node].Read(context.Background(), 0, commitlog.ReadOptions{}) {
		if err != nil {
			return nil, fmt.Errorf("%s: %w", nodeName(node), err)
		}
		all = append(all, r.Value)
	}
	return all, nil
}

func (c *commitCluster) Close() error {
	var errs []error
	for i := range c.nodes {
		errs = append(errs, c.stop(i))
	}
	return errors.Join(errs...)
}
