// Rows of TestConn on io.Copy, net.Buffers and TLS: the ways in which libraries drive a connection.

package vnettest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"syscall"
	"time"
)

// A bare reader or writer hides every other method, so that io.Copy must look to the connection.
type (
	bareReader struct{ io.Reader }
	bareWriter struct{ io.Writer }
)

var copyRows = []row{
	{"io.Copy sends all of a plain reader", func(t *trial) {
		here, there := t.pair()
		data := payload(300 << 10)
		async(t, func() bool {
			n, err := io.Copy(here.Conn, bareReader{bytes.NewReader(data)})
			if n != int64(len(data)) || err != nil {
				t.Errorf("io.Copy = %d, %v", n, err)
			}
			return here.Close() == nil
		})
		there.readsAll(data)
	}},
	{"io.Copy takes all into a plain writer", func(t *trial) {
		here, there := t.pair()
		data := payload(300 << 10)
		async(t, func() bool { here.Write(data); return here.Close() == nil })
		var got bytes.Buffer
		n, err := io.Copy(bareWriter{&got}, there.Conn)
		if n != int64(len(data)) || err != nil || !bytes.Equal(got.Bytes(), data) {
			t.Errorf("io.Copy = %d, %v; as sent: %v", n, err, bytes.Equal(got.Bytes(), data))
		}
	}},
	{"io.Copy carries one connection into another", func(t *trial) {
		here, middle := t.pair()
		onward, there := t.pair()
		data := payload(300 << 10)
		async(t, func() bool { here.Write(data); return here.Close() == nil })
		async(t, func() bool {
			if n, err := io.Copy(onward.Conn, middle.Conn); n != int64(len(data)) || err != nil {
				t.Errorf("io.Copy = %d, %v", n, err)
			}
			return onward.Close() == nil
		})
		there.readsAll(data)
	}},
	{"io.Copy brings out both connections' failures", func(t *trial) {
		here, there := t.pair()
		there.writes("unread")
		here.reads("u")
		here.closes()
		_, err := io.Copy(bareWriter{io.Discard}, there.Conn)
		t.isFor(err, reset)
		_, err = io.Copy(there.Conn, bareReader{bytes.NewReader([]byte("x"))})
		t.isFor(err, brokenPipe)
		there.closes()
		_, err = io.Copy(bareWriter{io.Discard}, there.Conn)
		t.isFor(err, closed)
		_, err = io.Copy(there.Conn, bareReader{bytes.NewReader([]byte("x"))})
		t.isFor(err, closed)
	}},
	{"io.Copy reports the reader's failure and what went before", func(t *trial) {
		here, there := t.pair()
		broken := errors.New("the reader broke")
		n, err := io.Copy(here.Conn, bareReader{io.MultiReader(bytes.NewReader([]byte("before")), failing{broken})})
		if n != 6 || !errors.Is(err, broken) {
			t.Errorf("io.Copy = %d, %v; want 6, %v", n, err, broken)
		}
		there.reads("before")
		here.writes("and after")
		there.reads("and after")
	}},
	{"io.Copy stops at a deadline and can go on", func(t *trial) {
		here, there := t.pair()
		here.writes("first")
		there.SetReadDeadline(time.Now().Add(soon))
		var got bytes.Buffer
		_, err := io.Copy(bareWriter{&got}, there.Conn)
		t.isFor(err, expired)
		there.SetReadDeadline(time.Now().Add(late))
		here.writes(", then")
		here.closes()
		io.Copy(bareWriter{&got}, there.Conn)
		if got.String() != "first, then" {
			t.Errorf("the two copies took %q", got.String())
		}
	}},
	{"net.Buffers arrive in order and are used up", func(t *trial) {
		here, there := t.pair()
		data := payload(100 << 10)
		bufs := net.Buffers{data[:1], data[1:1], data[1:5000], data[5000:]}
		sent := async(t, func() outcome {
			n, err := bufs.WriteTo(here.Conn)
			return outcome{int(n), err}
		})
		there.reads(string(data))
		if o := await(t, "Buffers.WriteTo", sent); o.n != len(data) || o.err != nil || len(bufs) != 0 {
			t.Errorf("Buffers.WriteTo = %d, %v, with %d left", o.n, o.err, len(bufs))
		}
	}},
	{"net.Buffers meet a broken pipe", func(t *trial) {
		here, there := t.pair()
		there.closes()
		here.ends()
		here.writesUntil(brokenPipe)
		bufs := net.Buffers{[]byte("a"), []byte("b")}
		n, err := bufs.WriteTo(here.Conn)
		if n != 0 || !errors.Is(err, syscall.EPIPE) {
			t.Errorf("Buffers.WriteTo = %d, %v; want 0, %v", n, err, syscall.EPIPE)
		}
	}},
	{"TLS shakes hands, talks and says goodbye", func(t *trial) {
		here, there := t.pair()
		config := t.tlsConfig()
		server := tls.Server(here.Conn, config)
		client := &end{Conn: tls.Client(there.Conn, config), t: t, name: "TLS client"}
		async(t, func() bool {
			io.Copy(server, bareReader{server})
			return server.Close() == nil
		})
		client.writes("echo this")
		client.reads("echo this")
		client.must("CloseWrite", client.Conn.(*tls.Conn).CloseWrite())
		client.ends()
	}},
}

// failing is a reader that only fails.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// tlsConfig makes a certificate on the spot, valid by the clock that the trial has, for both sides.
func (t *trial) tlsConfig() *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"conform"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
		RootCAs:      roots, ServerName: "conform",
	}
}
