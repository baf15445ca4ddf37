// A stream of JetStream with three replicas, on three servers.

package log_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// streamCluster syncs always. Its clients share a few connections on loopback
// to the server that leads the stream, so that no message makes a detour.
//
// Acknowledged means: synced by fsync in the leader's Raft log and in that of
// a majority. The stream's own files, which repeat it, are synced later, since
// they can be made again from the Raft log.
type streamCluster struct {
	dir     string
	servers [3]*server.Server
	down    int
	conns   []*nats.Conn
	streams []jetstream.JetStream
	turn    atomic.Uint64
}

// streamConns is how many connections all clients share: a few, as the services
// of a machine have them, so that messages share writes to the socket.
const streamConns = 4

func openJetStreamCluster(dir string) (cluster, error) {
	c := &streamCluster{dir: dir}
	if err := c.open(); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (c *streamCluster) open() error {
	_, err := os.Stat(filepath.Join(c.dir, nodeName(0)))
	ports, portsErr := freePorts(len(c.servers))
	if portsErr != nil {
		return portsErr
	}
	for i := range c.servers {
		if err := c.start(i, ports[i], ports); err != nil {
			return err
		}
	}
	if err := c.await("a leader of the servers", c.led); err != nil {
		return err
	}
	if errors.Is(err, os.ErrNotExist) {
		if err := c.create(); err != nil {
			return err
		}
	}
	return c.connect()
}

// freePorts returns ports nobody listened on a moment ago: a server must be
// told those of the others before any has started.
func freePorts(n int) (ports []int, err error) {
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

func (c *streamCluster) start(i, port int, routes []int) (err error) {
	o := &server.Options{ServerName: nodeName(i), StoreDir: filepath.Join(c.dir, nodeName(i))}
	o.Cluster = server.ClusterOpts{Name: "bench", Host: "127.0.0.1", Port: port}
	for _, p := range routes {
		o.Routes = append(o.Routes, &url.URL{Scheme: "nats", Host: fmt.Sprintf("127.0.0.1:%d", p)})
	}
	c.servers[i], err = startServer(o)
	return err
}

// led holds when the servers have a leader who knows them all.
func (c *streamCluster) led() bool {
	for _, s := range c.servers {
		if s.JetStreamIsLeader() && len(s.JetStreamClusterPeers()) == len(c.servers) {
			return true
		}
	}
	return false
}

func (c *streamCluster) create() error {
	conn, err := nats.Connect(c.servers[0].ClientURL())
	if err != nil {
		return err
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		return err
	}
	return createStream(js, len(c.servers))
}

// connect connects the clients to the stream's leader.
func (c *streamCluster) connect() error {
	if err := c.await("a leader of the stream", func() bool { return c.leader() >= 0 }); err != nil {
		return err
	}
	address := c.servers[c.leader()].ClientURL()
	for range streamConns {
		conn, err := nats.Connect(address)
		if err != nil {
			return err
		}
		c.conns = append(c.conns, conn)
		js, err := jetstream.New(conn)
		if err != nil {
			return err
		}
		c.streams = append(c.streams, js)
	}
	return nil
}

// leader returns who leads the stream, or -1.
func (c *streamCluster) leader() int {
	for i, s := range c.servers {
		if s.Running() && s.JetStreamIsStreamLeader(server.DEFAULT_GLOBAL_ACCOUNT, stream) {
			return i
		}
	}
	return -1
}

// await asks again and again, since a server tells of itself only when asked.
func (c *streamCluster) await(what string, ok func() bool) error {
	again, late := time.NewTicker(2*time.Millisecond), time.NewTimer(patience)
	defer again.Stop()
	defer late.Stop()
	for !ok() {
		select {
		case <-again.C:
		case <-late.C:
			return fmt.Errorf("waited %v for %s", patience, what)
		}
	}
	return nil
}

func (c *streamCluster) Produce(record []byte) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, err := c.streams[c.turn.Add(1)%streamConns].Publish(ctx, subject, record)
	return err
}

func (c *streamCluster) Stop() error {
	leader := c.leader()
	if leader < 0 {
		return errors.New("the stream has no leader")
	}
	c.down = (leader + 1) % len(c.servers)
	stopServer(c.servers[c.down])
	return nil
}

func (c *streamCluster) Restart() error {
	leader := c.leader()
	if leader < 0 {
		return errors.New("the stream has no leader")
	}
	want, err := count(c.servers[leader])
	if err != nil {
		return err
	}
	ports, err := freePorts(1)
	if err != nil {
		return err
	}
	routes := []int{c.servers[leader].ClusterAddr().Port, c.servers[(leader+2)%3].ClusterAddr().Port}
	if err := c.start(c.down, ports[0], routes); err != nil {
		return err
	}
	return c.await("the follower", func() bool {
		got, err := count(c.servers[c.down])
		return err == nil && got >= want
	})
}

// count returns how many messages a server has in its stream.
func count(s *server.Server) (uint64, error) {
	info, err := s.JszAccount(&server.JSzOptions{Account: server.DEFAULT_GLOBAL_ACCOUNT, Streams: true})
	if err != nil {
		return 0, err
	}
	if len(info.Streams) == 0 {
		return 0, errors.New("the server has no stream")
	}
	return info.Streams[0].State.Msgs, nil
}

// Records makes the node lead the stream, since only the leader is asked for
// messages.
func (c *streamCluster) Records(node int) (all [][]byte, err error) {
	err = c.await("a node to lead", func() bool {
		if c.leader() == node {
			return true
		}
		place := fmt.Sprintf(`{"placement":{"preferred":%q}}`, nodeName(node))
		_, err := c.conns[0].Request("$JS.API.STREAM.LEADER.STEPDOWN."+stream, []byte(place), time.Second)
		return err == nil && c.leader() == node
	})
	if err != nil {
		return nil, err
	}
	err = c.await("the records", func() bool { // a new leader answers when it is ready
		var failed error
		all, failed = readStream(c.streams[0])
		return failed == nil
	})
	return all, err
}

func (c *streamCluster) Close() error {
	for _, conn := range c.conns {
		conn.Close()
	}
	for _, s := range c.servers {
		if s != nil {
			stopServer(s)
		}
	}
	return nil
}
