// What the suite asks of a server and what a server answers, as far as it is of use here.

package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
)

// The fields of connectrpc.conformance.v1.ServerCompatRequest, of its
// TLSCreds, and of ServerCompatResponse.
const (
	requestTLS, requestClientCert, requestCreds = 4, 5, 7
	credsCert, credsKey                         = 1, 2
	responseHost, responsePort, responseCert    = 1, 2, 3
)

// A request is what the suite asks for.
type request struct {
	useTLS                bool
	cert, key, clientCert []byte // in PEM
	withoutClientCert     []byte // the request itself, but for that field
}

func parseRequest(b []byte) (*request, error) {
	r := &request{}
	err := eachField(b, func(f field) error {
		switch f.number {
		case requestTLS:
			r.useTLS = f.varint != 0
		case requestCreds:
			return r.parseCreds(f.bytes)
		case requestClientCert:
			r.clientCert = f.bytes
			return nil
		}
		r.withoutClientCert = append(r.withoutClientCert, f.whole...)
		return nil
	})
	return r, err
}

func (r *request) parseCreds(b []byte) error {
	return eachField(b, func(f field) error {
		switch f.number {
		case credsCert:
			r.cert = f.bytes
		case credsKey:
			r.key = f.bytes
		}
		return nil
	})
}

// parseResponse returns where a server is, and its certificate.
func parseResponse(b []byte) (addr string, cert []byte, err error) {
	host, port := "127.0.0.1", uint64(0)
	err = eachField(b, func(f field) error {
		switch f.number {
		case responseHost:
			host = string(f.bytes)
		case responsePort:
			port = f.varint
		case responseCert:
			cert = f.bytes
		}
		return nil
	})
	return net.JoinHostPort(host, strconv.FormatUint(port, 10)), cert, err
}

// response is what is answered.
func response(host string, port uint16, cert []byte) []byte {
	b := protowire.AppendString(protowire.AppendTag(nil, responseHost, protowire.BytesType), host)
	b = protowire.AppendVarint(protowire.AppendTag(b, responsePort, protowire.VarintType), uint64(port))
	return protowire.AppendBytes(protowire.AppendTag(b, responseCert, protowire.BytesType), cert)
}

// A field is one of a message.
type field struct {
	number protowire.Number
	varint uint64
	bytes  []byte
	whole  []byte // with its tag
}

// eachField hands over the fields of a message, in their order.
func eachField(b []byte, take func(field) error) error {
	for len(b) > 0 {
		number, kind, size := protowire.ConsumeField(b)
		if size < 0 {
			return protowire.ParseError(size)
		}
		f := field{number: number, whole: b[:size]}
		_, _, tag := protowire.ConsumeTag(b)
		switch kind {
		case protowire.VarintType:
			f.varint, _ = protowire.ConsumeVarint(b[tag:])
		case protowire.BytesType:
			f.bytes, _ = protowire.ConsumeBytes(b[tag:])
		}
		if err := take(f); err != nil {
			return err
		}
		b = b[size:]
	}
	return nil
}

// largest is the size of the largest message that is taken in.
const largest = 1 << 20

// readMessage reads a message as the suite frames it: four bytes of length,
// and so many.
func readMessage(r io.Reader) ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(head[:])
	if size > largest {
		return nil, fmt.Errorf("a message of %d bytes, more than %d", size, largest)
	}
	b := make([]byte, size)
	_, err := io.ReadFull(r, b)
	return b, err
}

func writeMessage(w io.Writer, b []byte) error {
	_, err := w.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...))
	return err
}
