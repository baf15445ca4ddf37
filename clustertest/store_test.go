// The program of the tests: a key-value server with a write-ahead log, in every mode the same.

package clustertest_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/rehearse-go/rehearse/clustertest"
	"github.com/rehearse-go/rehearse/vdisk"
)

// store answers lines: "put k v", "get k", "ask n1 k" (what n1 answers to
// "get k"). A put is written to a log and synced before it is acknowledged,
// unless the store is hasty.
type store struct {
	env   *clustertest.Env
	hasty bool

	mu   sync.Mutex
	data map[string]string
	log  vdisk.File
	size int64

	turn chan struct{} // has a token while one put is under way
}

func newStore(e *clustertest.Env) (*store, error) { return openStore(e, false) }
func newHasty(e *clustertest.Env) (*store, error) { return openStore(e, true) }

func openStore(e *clustertest.Env, hasty bool) (*store, error) {
	s := &store{env: e, hasty: hasty, data: map[string]string{}, turn: make(chan struct{}, 1)}
	return s, s.recover()
}

// recover reads the log and cuts a torn tail.
func (s *store) recover() (err error) {
	if s.log, err = s.env.FS().OpenFile("log", os.O_RDWR|os.O_CREATE, 0o644); err != nil {
		return err
	}
	if err := s.env.FS().SyncDir("."); err != nil {
		return err
	}
	size, err := s.log.Size()
	if err != nil {
		return err
	}
	text := make([]byte, size)
	if _, err := s.log.ReadAt(text, 0); err != nil && err != io.EOF {
		return err
	}
	for line := range strings.Lines(string(text)) {
		k, v, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		if !ok || !strings.HasSuffix(line, "\n") {
			break
		}
		s.data[k] = v
		s.size += int64(len(line))
	}
	return s.log.Truncate(s.size)
}

// Run serves until ctx is done.
func (s *store) Run(ctx context.Context) error {
	defer s.log.Close()
	l, err := s.env.Listen(ctx, "tcp", ":7000")
	if err != nil {
		return err
	}
	s.env.Event("store.ready", l.Addr().String())
	var all sync.WaitGroup
	defer all.Wait()
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	for {
		c, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		all.Go(func() { s.serve(ctx, c) })
	}
}

func (s *store) serve(ctx context.Context, c net.Conn) {
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	lines := bufio.NewScanner(c)
	for lines.Scan() {
		fmt.Fprintln(c, s.answer(ctx, strings.Fields(lines.Text())))
	}
}

func (s *store) answer(ctx context.Context, words []string) string {
	switch {
	case len(words) == 3 && words[0] == "put":
		if err := s.put(words[1], words[2]); err != nil {
			return "failed " + err.Error()
		}
		return "ok"
	case len(words) == 2 && words[0] == "get":
		s.mu.Lock()
		defer s.mu.Unlock()
		return "=" + s.data[words[1]]
	case len(words) == 3 && words[0] == "ask":
		ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
		defer cancel()
		got, err := ask(ctx, s.env.Dial, words[1], "get "+words[2])
		if err != nil {
			return "unreachable"
		}
		return got
	}
	return "what?"
}

// put writes one pair to the log, then to memory.
func (s *store) put(k, v string) error {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	line := k + "=" + v + "\n"
	if _, err := s.log.WriteAt([]byte(line), s.size); err != nil {
		return err
	}
	s.size += int64(len(line))
	if !s.hasty {
		if err := s.log.Sync(); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.data[k] = v
	return nil
}

type dialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

// ask sends one line to a node and returns its answer.
func ask(ctx context.Context, dial dialFunc, node, line string) (string, error) {
	c, err := dial(ctx, "tcp", node+":7000")
	if err != nil {
		return "", err
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	if _, err := fmt.Fprintln(c, line); err != nil {
		return "", err
	}
	answer := bufio.NewScanner(c)
	if !answer.Scan() {
		return "", errors.Join(io.ErrUnexpectedEOF, answer.Err())
	}
	return answer.Text(), nil
}
