// A small Kafka client: one connection, one request at a time, with a login where one is wanted.

package main

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// An access says how to get in.
type access struct {
	tls            *tls.Config // nil speaks plain text
	user, password string      // "" logs nobody in
	mechanism      string      // "" takes the best that is offered
}

// A kafkaClient is one connection to a broker.
type kafkaClient struct {
	nc          net.Conn
	formatter   *kmsg.RequestFormatter
	correlation int32
	served      map[int16][2]int16 // lowest and highest version by API
}

// maxAnswer bounds the answers that are read.
const maxAnswer = 64 << 20

// An alienError is an answer that is not Kafka's.
type alienError struct {
	speaks string // "HTTP", "TLS", or "" if unknown
	first  []byte
}

func (e *alienError) Error() string {
	if e.speaks != "" {
		return "the answer is " + e.speaks + ", not Kafka"
	}
	return fmt.Sprintf("the answer is not Kafka's; it begins %q", e.first)
}

// newKafkaClient speaks over a connection that is open. It keeps to ctx's
// deadline.
func newKafkaClient(ctx context.Context, nc net.Conn) *kafkaClient {
	if deadline, ok := ctx.Deadline(); ok {
		_ = nc.SetDeadline(deadline)
	}
	return &kafkaClient{nc: nc, formatter: kmsg.NewRequestFormatter(kmsg.FormatterClientID("rehearse"))}
}

func (k *kafkaClient) close() { k.nc.Close() }

// request sends a request in the highest version both sides know and returns
// the answer.
func (k *kafkaClient) request(r kmsg.Request) (kmsg.Response, error) {
	if err := k.agree(r); err != nil {
		return nil, err
	}
	k.correlation++
	if _, err := k.nc.Write(k.formatter.AppendRequest(nil, r, k.correlation)); err != nil {
		return nil, err
	}
	frame, err := readAnswer(k.nc)
	if err != nil {
		return nil, err
	}
	answer := r.ResponseKind()
	body, err := k.body(frame, answer)
	if err != nil {
		return nil, err
	}
	if err := answer.ReadFrom(body); err != nil {
		name := kmsg.NameForKey(r.Key())
		return nil, fmt.Errorf("the answer to %s v%d cannot be decoded: %w", name, r.GetVersion(), err)
	}
	return answer, nil
}

// agree sets the request's version.
func (k *kafkaClient) agree(r kmsg.Request) error {
	if r.Key() == int16(kmsg.ApiVersions) {
		r.SetVersion(0) // every broker since 0.10 answers it
		return nil
	}
	versions, ok := k.served[r.Key()]
	if !ok {
		return fmt.Errorf("the broker does not serve %s", kmsg.NameForKey(r.Key()))
	}
	version := min(versions[1], r.MaxVersion())
	if version < versions[0] {
		return fmt.Errorf("the broker serves %s from version %d on only", kmsg.NameForKey(r.Key()), versions[0])
	}
	r.SetVersion(version)
	return nil
}

// readAnswer reads one frame. What cannot be one is an alienError.
func readAnswer(r io.Reader) ([]byte, error) {
	var first [4]byte
	if _, err := io.ReadFull(r, first[:]); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(first[:])
	switch {
	case string(first[:]) == "HTTP" || string(first[:]) == "<htm" || string(first[:]) == "<!DO":
		return nil, &alienError{"HTTP", first[:]}
	case (first[0] == 0x15 || first[0] == 0x16) && first[1] == 3: // alert or handshake
		return nil, &alienError{"TLS", first[:]}
	case size < 4 || size > maxAnswer:
		return nil, &alienError{"", first[:]}
	}
	var frame strings.Builder // grows as bytes come, so that a lie costs nothing
	if _, err := io.CopyN(&frame, r, int64(size)); err != nil {
		return nil, errors.Join(io.ErrUnexpectedEOF, err)
	}
	return []byte(frame.String()), nil
}

// body takes the header off an answer.
func (k *kafkaClient) body(frame []byte, answer kmsg.Response) ([]byte, error) {
	if got := int32(binary.BigEndian.Uint32(frame)); got != k.correlation {
		return nil, fmt.Errorf("the answer is for request %d, not %d", got, k.correlation)
	}
	frame = frame[4:]
	if !answer.IsFlexible() || answer.Key() == int16(kmsg.ApiVersions) {
		return frame, nil
	}
	if len(frame) == 0 || frame[0] != 0 {
		return nil, errors.New("the answer's header has fields that nobody asked for")
	}
	return frame[1:], nil
}

// greet asks which versions are served.
func (k *kafkaClient) greet() (*kmsg.ApiVersionsResponse, error) {
	answer, err := k.request(kmsg.NewPtrApiVersionsRequest())
	if err != nil {
		return nil, err
	}
	versions := answer.(*kmsg.ApiVersionsResponse)
	k.served = map[int16][2]int16{}
	for _, key := range versions.ApiKeys {
		k.served[key.ApiKey] = [2]int16{key.MinVersion, key.MaxVersion}
	}
	return versions, kerr.ErrorForCode(versions.ErrorCode)
}

// metadata asks for the brokers, and for all topics or none.
func (k *kafkaClient) metadata(topics bool) (*kmsg.MetadataResponse, error) {
	r := kmsg.NewPtrMetadataRequest()
	r.Topics = []kmsg.MetadataRequestTopic{}
	if topics {
		r.Topics = nil
	}
	answer, err := k.request(r)
	if err != nil {
		return nil, err
	}
	return answer.(*kmsg.MetadataResponse), nil
}
