// A raw client: requests out, answers in, nothing clever between.

package kafkatest_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"iter"
	"net"
	"reflect"
	"testing"

	"github.com/rehearse-go/rehearse/kafkatest"
	"github.com/rehearse-go/rehearse/kafkatest/internal/wire"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// A client is one connection to a broker.
type client struct {
	tb          testing.TB
	nc          net.Conn
	in          *bufio.Reader
	id          string
	correlation int32
}

// dial connects to a broker on loopback.
func dial(tb testing.TB, b *kafkatest.Broker) *client {
	tb.Helper()
	var d net.Dialer
	nc, err := d.DialContext(context.Background(), "tcp", b.Addr())
	if err != nil {
		tb.Fatal(err)
	}
	return speak(tb, nc)
}

// speak makes a client of a connection.
func speak(tb testing.TB, nc net.Conn) *client {
	tb.Cleanup(func() { nc.Close() })
	return &client{tb: tb, nc: nc, in: bufio.NewReader(nc), id: "app"}
}

// send sends a request in the given version.
func (c *client) send(req kmsg.Request, version int16) {
	c.tb.Helper()
	if err := c.write(req, version); err != nil {
		c.tb.Fatal(err)
	}
}

func (c *client) write(req kmsg.Request, version int16) error {
	req.SetVersion(version)
	c.correlation++
	frame := wire.AppendRequest(nil, wire.Header{Correlation: c.correlation, ClientID: &c.id}, req)
	_, err := c.nc.Write(frame)
	return err
}

// receive reads the answer to req.
func (c *client) receive(req kmsg.Request) (kmsg.Response, error) {
	frame, err := wire.ReadFrame(c.in, 1<<30)
	if err != nil {
		return nil, err
	}
	resp := req.ResponseKind()
	correlation, err := wire.ParseResponse(frame, resp)
	if err == nil && correlation != c.correlation {
		err = errors.New("an answer to another request")
	}
	return resp, err
}

// try sends a request and returns the answer, or how the connection ended.
func (c *client) try(req kmsg.Request, version int16) (kmsg.Response, error) {
	if err := c.write(req, version); err != nil {
		return nil, err
	}
	return c.receive(req)
}

// ask sends a request and returns its answer, as its own type.
func ask[R kmsg.Response](c *client, req kmsg.Request, version int16) R {
	c.tb.Helper()
	resp, err := c.try(req, version)
	if err != nil {
		c.tb.Fatalf("%s v%d: %v", kmsg.NameForKey(req.Key()), version, err)
	}
	return resp.(R)
}

// wantClosed fails the test unless the connection was closed or reset.
func (c *client) wantClosed() {
	c.tb.Helper()
	if b, err := c.in.ReadByte(); err == nil {
		c.tb.Fatalf("byte %#x came, want the connection closed", b)
	}
}

// ended reports whether an error is one of a connection that has ended.
func ended(err error) bool {
	var op *net.OpError
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &op)
}

// metadata asks for topics; for all of them if none is named.
func metadata(topics ...string) *kmsg.MetadataRequest {
	req := kmsg.NewPtrMetadataRequest()
	for _, name := range topics {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = kmsg.StringPtr(name)
		req.Topics = append(req.Topics, t)
	}
	return req
}

// filled returns a request in which every slice has an entry, and every string
// and number says something.
func filled(key, version int16) kmsg.Request {
	req := kmsg.RequestForKey(key)
	req.SetVersion(version)
	fill(reflect.ValueOf(req).Elem())
	req.SetVersion(version)
	return req
}

// everyRequest yields a filled request of every API in every version, but for
// ControlledShutdown, whose version 0 has a header of its own.
func everyRequest() iter.Seq[kmsg.Request] {
	return func(yield func(kmsg.Request) bool) {
		for key := range int16(kmsg.MaxKey + 1) {
			req := kmsg.RequestForKey(key)
			for version := int16(0); req != nil && version <= req.MaxVersion(); version++ {
				if key != int16(kmsg.ControlledShutdown) && !yield(filled(key, version)) {
					return
				}
			}
		}
	}
}

func fill(v reflect.Value) {
	for i := range v.NumField() {
		f := v.Field(i)
		if v.Type().Field(i).Name == "UnknownTags" {
			continue
		}
		fillField(f)
	}
}

func fillField(f reflect.Value) {
	switch f.Kind() {
	case reflect.String:
		f.SetString("name")
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		f.SetInt(2)
	case reflect.Pointer:
		p := reflect.New(f.Type().Elem())
		if p.Elem().Kind() == reflect.Struct {
			fill(p.Elem())
		} else {
			fillField(p.Elem())
		}
		f.Set(p)
	case reflect.Struct:
		fill(f)
	case reflect.Slice:
		e := reflect.New(f.Type().Elem()).Elem()
		fillField(e)
		f.Set(reflect.Append(reflect.MakeSlice(f.Type(), 0, 1), e))
	case reflect.Array:
		f.Index(0).SetUint(7)
	}
}

// codes returns every error code in an answer, wherever it is.
func codes(v reflect.Value) (all []int16) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			return codes(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).Name == "ErrorCode" {
				all = append(all, int16(v.Field(i).Int()))
				continue
			}
			all = append(all, codes(v.Field(i))...)
		}
	case reflect.Slice:
		for i := range v.Len() {
			all = append(all, codes(v.Index(i))...)
		}
	}
	return all
}
