// The links between nodes of etcd's raft: protobuf frames on TCP.

package log_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"

	pb "go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"
)

// etcdLinks are one node's connections: one to each peer, and those that peers
// have opened to it. A message that cannot be sent is dropped, as raft allows.
type etcdLinks struct {
	node     *etcdNode
	mesh     *mesh
	listener net.Listener
	queues   map[uint64]chan *pb.Message
	ctx      context.Context
	cancel   context.CancelFunc
	wait     sync.WaitGroup
}

const (
	linkQueue    = 4096
	linkBuffer   = 256 << 10
	maxLinkFrame = 64 << 20
)

func openEtcdLinks(n *etcdNode, m *mesh) (*etcdLinks, error) {
	listener, err := m.listen(nodeName(int(n.id) - 1))
	if err != nil {
		return nil, err
	}
	l := &etcdLinks{node: n, mesh: m, listener: listener, queues: map[uint64]chan *pb.Message{}}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	peers := []uint64{1 + n.id%3, 1 + (n.id+1)%3}
	for _, id := range peers {
		l.queues[id] = make(chan *pb.Message, linkQueue)
	}
	for _, id := range peers {
		l.wait.Go(func() { l.write(id) })
	}
	l.wait.Go(l.accept)
	return l, nil
}

func (l *etcdLinks) close() {
	l.cancel()
	l.listener.Close()
	l.wait.Wait()
}

// send queues messages.
func (l *etcdLinks) send(messages []*pb.Message) {
	for _, m := range messages {
		select {
		case l.queues[m.GetTo()] <- m:
		default:
			l.node.node.ReportUnreachable(m.GetTo())
		}
	}
}

// write sends one peer what is queued for it, on one connection after another.
func (l *etcdLinks) write(id uint64) {
	for {
		select {
		case <-l.ctx.Done():
			return
		case m := <-l.queues[id]:
			conn, err := l.mesh.dial(l.ctx, nodeName(int(id)-1))
			if err == nil {
				err = l.writeTo(conn, m)
				conn.Close()
			}
			if err != nil && l.ctx.Err() == nil {
				l.node.node.ReportUnreachable(id)
			}
		}
	}
}

// writeTo writes m and what follows, and flushes when nothing does.
func (l *etcdLinks) writeTo(conn net.Conn, m *pb.Message) error {
	stop := context.AfterFunc(l.ctx, func() { conn.Close() })
	defer stop()
	w := bufio.NewWriterSize(conn, linkBuffer)
	var buf []byte
	for {
		var err error
		if buf, err = writeMessage(w, buf, m); err != nil {
			return err
		}
		select {
		case m = <-l.queues[m.GetTo()]:
			continue
		default:
		}
		if err := w.Flush(); err != nil {
			return err
		}
		select {
		case m = <-l.queues[m.GetTo()]:
		case <-l.ctx.Done():
			return nil
		}
	}
}

func writeMessage(w io.Writer, buf []byte, m *pb.Message) ([]byte, error) {
	buf, err := proto.MarshalOptions{}.MarshalAppend(append(buf[:0], 0, 0, 0, 0), m)
	if err != nil {
		return buf, err
	}
	binary.LittleEndian.PutUint32(buf, uint32(len(buf)-4))
	_, err = w.Write(buf)
	return buf, err
}

func (l *etcdLinks) accept() {
	for {
		conn, err := l.listener.Accept()
		if err != nil {
			return
		}
		l.wait.Go(func() {
			stop := context.AfterFunc(l.ctx, func() { conn.Close() })
			defer stop()
			defer conn.Close()
			if err := l.read(conn); err != nil && l.ctx.Err() == nil && !errors.Is(err, io.EOF) {
				l.node.fail(err)
			}
		})
	}
}

// read gives raft what a peer sends.
func (l *etcdLinks) read(conn net.Conn) error {
	r := bufio.NewReaderSize(conn, linkBuffer)
	var head [4]byte
	var buf []byte
	for {
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return nil // the peer has gone
		}
		n := binary.LittleEndian.Uint32(head[:])
		if n > maxLinkFrame {
			return fmt.Errorf("a peer sends %d bytes in one message", n)
		}
		if uint32(cap(buf)) < n {
			buf = make([]byte, n)
		}
		if _, err := io.ReadFull(r, buf[:n]); err != nil {
			return nil
		}
		m := new(pb.Message)
		if err := proto.Unmarshal(buf[:n], m); err != nil {
			return err
		}
		if err := l.node.node.Step(l.ctx, m); err != nil {
			return err
		}
	}
}
