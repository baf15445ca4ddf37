// The client: one connection for one request.

package kv

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
)

// A Client asks servers.
type Client struct {
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// Put stores a value on a server. After an error it may be stored or not.
func (c Client) Put(ctx context.Context, server, key, value string) error {
	answer, err := c.ask(ctx, server, "put "+key+" "+value)
	if err == nil && answer != "ok" {
		err = errors.New("kv: " + answer)
	}
	return err
}

// Get returns the value of a key on a server, and whether there is one.
func (c Client) Get(ctx context.Context, server, key string) (value string, ok bool, err error) {
	answer, err := c.ask(ctx, server, "get "+key)
	value, ok = strings.CutPrefix(answer, "value ")
	if err == nil && !ok && answer != "none" {
		err = errors.New("kv: " + answer)
	}
	return value, ok, err
}

func (c Client) ask(ctx context.Context, server, line string) (answer string, err error) {
	conn, err := c.Dial(ctx, "tcp", server+port)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if _, err := fmt.Fprintln(conn, line); err != nil {
		return "", err
	}
	in := bufio.NewScanner(conn)
	if !in.Scan() {
		return "", errors.Join(ctx.Err(), in.Err(), io.ErrUnexpectedEOF)
	}
	return in.Text(), nil
}
