// The server: lines over TCP.

package kv

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"
)

// port is where a server listens.
const port = ":7000"

// Config configures a [Server].
type Config struct {
	FS FS // where the log is kept; it must be set

	// Listen listens on the server's network. It must be set.
	Listen func(ctx context.Context, network, address string) (net.Listener, error)

	// SyncEvery is how often the log is synced. If 0, before each
	// acknowledgement. Else a put is acknowledged once it is written, and those
	// since the last sync are lost with the power: fast, and often called safe.
	SyncEvery time.Duration
}

// A Server answers "put KEY VALUE" by "ok", and "get KEY" by "value VALUE" or
// "none"; by "failed WHY" when something is wrong.
type Server struct {
	log       *log
	listener  net.Listener
	syncEvery time.Duration
}

// New opens the log and listens.
func New(c Config) (*Server, error) {
	log, err := openLog(c.FS)
	if err != nil {
		return nil, err
	}
	l, err := c.Listen(context.Background(), "tcp", port)
	if err != nil {
		log.close()
		return nil, err
	}
	return &Server{log, l, c.SyncEvery}, nil
}

// Run serves until ctx is done or the listener fails.
func (s *Server) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer s.log.close()
	defer running.Wait()
	defer cancel()
	defer context.AfterFunc(ctx, func() { s.listener.Close() })()
	if s.syncEvery > 0 {
		running.Go(func() { s.syncLater(ctx) })
	}
	for {
		conn, err := s.listener.Accept()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		running.Go(func() { s.serve(ctx, conn) })
	}
}

func (s *Server) syncLater(ctx context.Context) {
	tick := time.NewTicker(s.syncEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.log.sync()
		}
	}
}

func (s *Server) serve(ctx context.Context, conn net.Conn) {
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	for in := bufio.NewScanner(conn); in.Scan(); {
		fmt.Fprintln(conn, s.answer(in.Text()))
	}
}

func (s *Server) answer(line string) string {
	words := strings.Fields(line)
	switch {
	case len(words) == 3 && words[0] == "put":
		if err := s.log.put(words[1], words[2], s.syncEvery == 0); err != nil {
			return "failed " + err.Error()
		}
		return "ok"
	case len(words) == 2 && words[0] == "get":
		if value, ok := s.log.get(words[1]); ok {
			return "value " + value
		}
		return "none"
	}
	return "failed: not a request"
}
