// TLS and HTTP/2 on the virtual network, with certificates made on the bubble's clock.

package vnettest_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/vnet"
	"github.com/rehearse-go/rehearse/vnettest"
)

// certify makes a certificate for the named host that holds for 20 hours
// from now, and returns what its server and its clients are configured with.
func certify(t *vnettest.T, host string) (server, client *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{host},
		NotBefore: time.Now(), NotAfter: time.Now().Add(20 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, form, form, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	server = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	return server, &tls.Config{RootCAs: roots, ServerName: host}
}

// echoTLS serves one host over TLS, giving back what it reads.
func echoTLS(t *vnettest.T, host string, c *tls.Config) {
	t.Helper()
	l, err := t.Host(host).Listen(t.Context(), "tcp", ":443")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go echoBack(tls.Server(conn, c))
		}
	}()
}

func echoBack(c net.Conn) {
	defer c.Close()
	io.Copy(c, c)
}

// dialTLS shakes hands with address from the named host.
func dialTLS(t *vnettest.T, host, address string, c *tls.Config) (*tls.Conn, error) {
	conn, err := t.Host(host).Dial(t.Context(), "tcp", address)
	if err != nil {
		return nil, err
	}
	secure := tls.Client(conn, c)
	if err := secure.HandshakeContext(t.Context()); err != nil {
		conn.Close()
		return nil, err
	}
	return secure, nil
}

func TestTLSShakesHandsAndCarriesData(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			vnettest.Run(t, vnettest.Config{}, func(t *vnettest.T) {
				server, client := certify(t, "api")
				client.MaxVersion = version
				echoTLS(t, "api", server)
				c, err := dialTLS(t, "app", "api:443", client)
				if err != nil {
					t.Fatal(err)
				}
				if got := c.ConnectionState().Version; got != version {
					t.Errorf("agreed on %s", tls.VersionName(got))
				}
				said := strings.Repeat("much to say ", 100_000) // more than the window
				go func() {
					io.WriteString(c, said)
					c.CloseWrite()
				}()
				if got, err := io.ReadAll(c); string(got) != said || err != nil {
					t.Errorf("%d bytes came back, %v; want %d", len(got), err, len(said))
				}
			})
		})
	}
}

func TestACertificateExpiresOnTheBubblesClock(t *testing.T) {
	vnettest.Run(t, vnettest.Config{}, func(t *vnettest.T) {
		server, client := certify(t, "api")
		echoTLS(t, "api", server)
		time.Sleep(20 * time.Hour) // virtual
		if _, err := dialTLS(t, "app", "api:443", client); err != nil {
			t.Errorf("at its last instant: %v", err)
		}
		time.Sleep(time.Second) // virtual
		_, err := dialTLS(t, "app", "api:443", client)
		if bad, ok := errors.AsType[x509.CertificateInvalidError](err); !ok || bad.Reason != x509.Expired {
			t.Errorf("a second later: %v, want expired", err)
		}
	})
}

func TestATLSHandshakeIsSteppedFlightByFlight(t *testing.T) {
	vnettest.Run(t, vnettest.Config{Held: true}, func(t *vnettest.T) {
		server, client := certify(t, "api")
		echoTLS(t, "api", server)
		shaken := make(chan error, 1)
		go func() {
			_, err := dialTLS(t, "app", "api:443", client)
			shaken <- err
		}()
		for _, want := range []string{"connect", "app>api", "api>app"} {
			if len(shaken) > 0 {
				t.Fatalf("shook hands before %s: %v", want, <-shaken)
			}
			s := t.Step()
			from, _, _ := strings.Cut(s.From, ":")
			to, _, _ := strings.Cut(s.To, ":")
			if got := from + ">" + to; got != want && !(s.Syn && want == "connect") {
				t.Fatalf("stepped %v, want %s", s, want)
			}
		}
		if err := <-shaken; err != nil {
			t.Error(err)
		}
	})
}

// serveHTTP2 serves h over TLS on host and returns a client on the host app
// that speaks HTTP/2 with it.
func serveHTTP2(t *vnettest.T, host string, h http.Handler) *http.Client {
	t.Helper()
	l, err := t.Host(host).Listen(t.Context(), "tcp", ":443")
	if err != nil {
		t.Fatal(err)
	}
	server, client := certify(t, host)
	go (&http.Server{Handler: h, TLSConfig: server}).ServeTLS(l, "", "")
	return &http.Client{Transport: &http.Transport{
		DialContext: t.Host("app").Dial, TLSClientConfig: client, ForceAttemptHTTP2: true,
	}}
}

func TestHTTP2SharesOneConnectionAmongRequests(t *testing.T) {
	vnettest.Run(t, vnettest.Config{}, func(t *vnettest.T) {
		c := serveHTTP2(t, "api", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/slow" {
				time.Sleep(time.Hour) // virtual
			}
			io.WriteString(w, r.Proto)
		}))
		fetchURL(t, c, "https://api/")
		start := time.Now()
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if got, err := getURL(t.Context(), c, "https://api/slow"); got != "HTTP/2.0" || err != nil {
					t.Errorf("got %q, %v", got, err)
				}
			})
		}
		all.Wait()
		if took := time.Since(start); took != time.Hour {
			t.Errorf("20 requests of an hour each took %v together", took)
		}
		if n := countKind(t.Journal, "net.accept"); n != 1 {
			t.Errorf("%d connections, want 1", n)
		}
	})
}

func TestHTTP2CarriesBothWaysAtOnce(t *testing.T) {
	vnettest.Run(t, vnettest.Config{}, func(t *vnettest.T) {
		c := serveHTTP2(t, "api", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			flow := http.NewResponseController(w)
			buf := make([]byte, 64)
			for flow.Flush() == nil {
				n, err := r.Body.Read(buf)
				w.Write(buf[:n])
				if err != nil {
					return
				}
			}
		}))
		body, say := io.Pipe()
		req, err := http.NewRequestWithContext(t.Context(), "POST", "https://api/", body)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		heard := make([]byte, 4)
		for _, word := range []string{"ping", "pong", "ping"} {
			io.WriteString(say, word)
			if _, err := io.ReadFull(resp.Body, heard); string(heard) != word || err != nil {
				t.Errorf("said %q, heard %q, %v", word, heard, err)
			}
		}
		say.Close()
		if rest, err := io.ReadAll(resp.Body); len(rest) > 0 || err != nil {
			t.Errorf("at the end: %q, %v", rest, err)
		}
	})
}

func TestHTTP2NoticesASilentNetworkByPings(t *testing.T) {
	vnettest.Run(t, vnettest.Config{Net: vnet.Config{GiveUp: time.Hour}}, func(t *vnettest.T) {
		c := serveHTTP2(t, "api", answeringAfter(10*time.Minute, "late"))
		c.Transport.(*http.Transport).HTTP2 = &http.HTTP2Config{
			SendPingTimeout: 30 * time.Second, PingTimeout: 10 * time.Second,
		}
		start := time.Now()
		if got := fetchURL(t, c, "https://api/"); got != "late" || time.Since(start) != 10*time.Minute {
			t.Errorf("%q after %v: pings should have kept the connection", got, time.Since(start))
		}
		time.AfterFunc(time.Minute, func() { silenceLink(t, "app", "api") })
		start = time.Now()
		_, err := getURL(t.Context(), c, "https://api/")
		took := time.Since(start)
		if err == nil || took < time.Minute || took > 2*time.Minute {
			t.Errorf("%v after %v; want an error within 2 minutes", err, took)
		}
		time.Sleep(time.Hour) // virtual
	})
}
