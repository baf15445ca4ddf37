// The client: made, used by any number of goroutines, closed.

package client

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"

	"github.com/rehearse-go/rehearse/commitlog"
	"github.com/rehearse-go/rehearse/commitlog/logv1"
)

// A Record is one thing in the log. Producers set Key, Value and Header. Records
// read have Offset and Time too; Index and Term stay 0, since the service does
// not tell them.
type Record = commitlog.Record

// ErrClosed is returned by what is called on a closed [Client] or [Producer].
var ErrClosed = errors.New("client: closed")

// A Client is a program's end of a replicated log. Its methods may be called by
// any number of goroutines at once.
type Client struct {
	conf     Config
	view     *view
	conn     *grpc.ClientConn
	log      logv1.LogClient
	ctx      context.Context // ends with Close
	end      context.CancelFunc
	running  sync.WaitGroup // what Close waits for
	asked    chan struct{}  // closed when a node was asked for the servers, whatever came of it
	producer *Producer      // of Produce; nil without Config.Producer

	mu     sync.Mutex
	closed bool
}

// New returns a client of the cluster that has a node at one of c.Addrs. It does
// not wait for any: calls do, as long as their contexts last. The caller closes
// the client.
func New(c Config) (*Client, error) {
	conf, err := c.with()
	if err != nil {
		return nil, err
	}
	cl := &Client{conf: conf, view: newView(slices.Clone(conf.Addrs)), asked: make(chan struct{})}
	cl.ctx, cl.end = context.WithCancel(context.Background())
	cl.conn, err = grpc.NewClient(scheme+":///"+conf.Addrs[0], cl.options()...)
	if err != nil {
		cl.end()
		return nil, fmt.Errorf("client: %w", err)
	}
	cl.log = logv1.NewLogClient(cl.conn)
	cl.conn.Connect()
	cl.spawn(cl.follow)
	if conf.Producer != 0 {
		cl.producer = cl.Producer(ProducerConfig{ID: conf.Producer})
	}
	return cl, nil
}

func (c *Client) options() []grpc.DialOption {
	creds := insecure.NewCredentials()
	if c.conf.TLS != nil {
		creds = credentials.NewTLS(c.conf.TLS.Clone())
	}
	options := append(slices.Clone(c.conf.DialOptions),
		grpc.WithResolvers(source{c}),
		grpc.WithTransportCredentials(creds),
		grpc.WithContextDialer(func(ctx context.Context, addr string) (net.Conn, error) {
			return c.conf.Dial(ctx, "tcp", addr)
		}),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff: backoff.Config{
				BaseDelay: c.conf.Retry.Min, Multiplier: 2, MaxDelay: 2 * c.conf.Retry.Max},
			MinConnectTimeout: 5 * time.Second,
		}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage)),
		grpc.WithDisableServiceConfig(),
		grpc.WithDefaultServiceConfig(`{"loadBalancingConfig":[{"`+policy+`":{}}]}`),
		grpc.WithIdleTimeout(0),
	)
	if c.conf.KeepAlive > 0 {
		options = append(options, grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time: c.conf.KeepAlive, Timeout: c.conf.KeepAlive / 3}))
	}
	return options
}

// Conn returns the connection by which the client calls, for a client generated
// from the service's file: its calls go where the client's own go, once each.
func (c *Client) Conn() grpc.ClientConnInterface { return c.conn }

// Close ends the client's calls and streams, its producers and connections, and
// waits until nothing of it runs. What producers have not sent fails with
// [ErrClosed], what is under way with [commitlog.Uncertain]: flush them first.
// It always returns nil, and may be called again.
func (c *Client) Close() error {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	c.end()
	_ = c.conn.Close() // ErrClientConnClosing the second time
	c.running.Wait()
	return nil
}

// spawn runs f in a goroutine of the client, unless that is closed.
func (c *Client) spawn(f func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		c.running.Go(f)
	}
	return !c.closed
}

// ready waits until a node was asked for the servers, so that the first calls
// go where later ones do.
func (c *Client) ready(ctx context.Context) error {
	select {
	case <-c.asked:
	case <-ctx.Done():
	case <-c.ctx.Done():
	}
	return c.over(ctx)
}

// RandomProducer returns an ID that no other producer has. The log must tell
// producers apart over all time and all processes, so it is drawn from
// crypto/rand; a test makes that repeat by testing/cryptotest.
func RandomProducer() uint64 {
	var b [8]byte
	for {
		_, _ = rand.Read(b[:]) // never fails
		if id := binary.LittleEndian.Uint64(b[:]); id != 0 {
			return id
		}
	}
}
