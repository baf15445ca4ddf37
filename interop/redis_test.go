// go-redis against a scripted server that speaks a little RESP.

package interop_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/rehearse-go/rehearse/vnettest"
)

// resp is a server of strings: GET, SET, INCR and PING.
type resp struct {
	mu   sync.Mutex
	data map[string]string
}

// serveRESP starts a server on the host redis.
func serveRESP(t *vnettest.T) {
	t.Helper()
	l, err := t.Host("redis").Listen(t.Context(), "tcp", ":6379")
	if err != nil {
		t.Fatal(err)
	}
	r := &resp{data: map[string]string{}}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go r.serve(c)
		}
	}()
}

func (r *resp) serve(c net.Conn) {
	defer c.Close()
	in := bufio.NewReader(c)
	for {
		words, err := readCommand(in)
		if err != nil {
			return
		}
		io.WriteString(c, r.answer(words))
	}
}

// readCommand reads an array of bulk strings.
func readCommand(in *bufio.Reader) ([]string, error) {
	var n int
	if _, err := fmt.Fscanf(in, "*%d\r\n", &n); err != nil {
		return nil, err
	}
	words := make([]string, n)
	for i := range words {
		var size int
		if _, err := fmt.Fscanf(in, "$%d\r\n", &size); err != nil {
			return nil, err
		}
		word := make([]byte, size+2)
		if _, err := io.ReadFull(in, word); err != nil {
			return nil, err
		}
		words[i] = string(word[:size])
	}
	return words, nil
}

func (r *resp) answer(words []string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch strings.ToLower(words[0]) {
	case "ping":
		return "+PONG\r\n"
	case "client":
		return "+OK\r\n"
	case "set":
		r.data[words[1]] = words[2]
		return "+OK\r\n"
	case "incr":
		n, _ := strconv.Atoi(r.data[words[1]])
		r.data[words[1]] = strconv.Itoa(n + 1)
		return fmt.Sprintf(":%d\r\n", n+1)
	case "get":
		v, ok := r.data[words[1]]
		if !ok {
			return "$-1\r\n"
		}
		return fmt.Sprintf("$%d\r\n%s\r\n", len(v), v)
	}
	return fmt.Sprintf("-ERR unknown command '%s'\r\n", words[0])
}

// redisClient is a client on the host app. Its notifications of maintenance
// are off, since they look up a name in the real world.
func redisClient(t *vnettest.T, retries int) *redis.Client {
	c := redis.NewClient(&redis.Options{
		Addr: "redis:6379", Dialer: t.Host("app").Dial, MaxRetries: retries, ReadTimeout: 3 * time.Second,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	t.Cleanup(func() { c.Close() })
	return c
}

func TestGoRedisTalksForAnHour(t *testing.T) {
	vnettest.Run(t, vnettest.Config{}, func(t *vnettest.T) {
		serveRESP(t)
		c := redisClient(t, 0)
		if err := c.Set(t.Context(), "greeting", "hello", 0).Err(); err != nil {
			t.Fatal(err)
		}
		for range 60 {
			if err := c.Incr(t.Context(), "minutes").Err(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute) // virtual
		}
		greeting, err := c.Get(t.Context(), "greeting").Result()
		minutes, err2 := c.Get(t.Context(), "minutes").Int()
		if greeting != "hello" || minutes != 60 || err != nil || err2 != nil {
			t.Errorf("%q, %d, %v, %v", greeting, minutes, err, err2)
		}
		if _, err := c.Get(t.Context(), "nothing").Result(); !errors.Is(err, redis.Nil) {
			t.Errorf("a missing key: %v", err)
		}
	})
}

func TestGoRedisRetriesAfterAReset(t *testing.T) {
	vnettest.Run(t, vnettest.Config{}, func(t *vnettest.T) {
		serveRESP(t)
		c := redisClient(t, 3)
		if err := c.Set(t.Context(), "k", "v", 0).Err(); err != nil {
			t.Fatal(err)
		}
		for c := range t.Conns() {
			c.Reset()
		}
		if got, err := c.Get(t.Context(), "k").Result(); got != "v" || err != nil {
			t.Errorf("after a reset: %q, %v", got, err)
		}
	})
}

func TestGoRedisTimesOutInAPartition(t *testing.T) {
	vnettest.Run(t, vnettest.Config{}, func(t *vnettest.T) {
		serveRESP(t)
		c := redisClient(t, -1) // no retries
		if err := c.Ping(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		heal := t.Part("redis")
		start := time.Now()
		err := c.Ping(t.Context()).Err()
		if took := time.Since(start); !errors.Is(err, os.ErrDeadlineExceeded) || took != 3*time.Second {
			t.Errorf("in a partition: %v after %v, want the read timeout of 3s", err, took)
		}
		heal()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := c.Ping(ctx).Err(); err != nil {
			t.Errorf("after healing: %v", err)
		}
	})
}
