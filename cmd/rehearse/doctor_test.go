// Tests of rehearse doctor: each thing that goes wrong is told, with why and how it is mended.

package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/kafkatest"
	"github.com/twmb/franz-go/pkg/kerr"
)

// oneBroker starts a broker with one listener.
func oneBroker(t *testing.T, l kafkatest.Listener) string {
	t.Helper()
	var bound string
	c, err := kafkatest.New(kafkatest.Config{Listeners: []kafkatest.Listener{l}, Listen: listenAt(&bound)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return bound
}

// listenAt listens on a free loopback port and tells which.
func listenAt(bound *string) func(context.Context, string, string) (net.Listener, error) {
	return func(ctx context.Context, network, _ string) (net.Listener, error) {
		var config net.ListenConfig
		l, err := config.Listen(ctx, network, "127.0.0.1:0")
		if err == nil {
			*bound = l.Addr().String()
		}
		return l, err
	}
}

// secured returns what a listener needs to speak TLS, and where its authority
// is.
func secured(t *testing.T) (kafkatest.Listener, string) {
	t.Helper()
	dir := t.TempDir()
	config, err := kafkaConfig{TLS: kafkaTLS{SelfSigned: dir}}.tlsConfig()
	if err != nil {
		t.Fatal(err)
	}
	return kafkatest.Listener{TLS: config}, dir + "/ca.pem"
}

// silent accepts connections and says nothing.
func silent(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") // the kernel accepts for it
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}

// closed returns an address at which nothing listens.
func closed(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	return l.Addr().String()
}

func TestTheDoctorFindsNothingWrongWithAHealthyCluster(t *testing.T) {
	l, authority := secured(t)
	for _, c := range []struct {
		address string
		args    []string
	}{
		{oneBroker(t, kafkatest.Listener{}), nil},
		{oneBroker(t, l), []string{"--tls-ca", authority}},
		{oneBroker(t, l), []string{"--tls-insecure"}},
	} {
		report, code := doctor(t, c.address, c.args...)
		if code != exitDone || len(report.Brokers) != 1 {
			t.Errorf("%v: exit code %d, %+v", c.args, code, report)
		} else if b := report.Brokers[0]; !b.OK || b.Address != c.address {
			t.Errorf("%v: %+v", c.args, b)
		}
	}
	var out bytes.Buffer
	args := []string{"doctor", "kafka", oneBroker(t, kafkatest.Listener{})}
	code := run(t.Context(), args, streams{nil, &out, io.Discard})
	if code != exitDone || !strings.Contains(out.String(), "Every advertised address answers from here.") {
		t.Errorf("exit code %d: %s", code, &out)
	}
}

func TestTheDoctorExplains(t *testing.T) {
	l, _ := secured(t)
	plain, withTLS := oneBroker(t, kafkatest.Listener{}), oneBroker(t, l)
	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()
	for _, c := range []struct {
		what, address string
		args          []string
		stage         stage
		why           string
	}{
		{"a closed port", closed(t), nil, stageDial, "Nothing listens"},
		{"a port that says nothing", silent(t), []string{"--timeout", "200ms"}, stageGreet, "does not answer"},
		{"a web server", web.Listener.Addr().String(), []string{"--timeout", "1s"}, stageGreet, "HTTP server"},
		{"plain text to TLS", withTLS, nil, stageGreet, "speaks TLS"},
		{"TLS to plain text", plain, []string{"--tls"}, stageTLS, "speaks plain text"},
		{"a foreign authority", withTLS, []string{"--tls"}, stageTLS, "does not trust"},
		{"an address that is dead", oneBroker(t, kafkatest.Listener{Advertise: closed(t)}), nil, stageDial,
			"cannot be reached from here"},
	} {
		t.Run(c.what, func(t *testing.T) {
			report, code := doctor(t, c.address, c.args...)
			if code != exitDifferent || len(report.Problems) != 1 {
				t.Fatalf("exit code %d, %+v", code, report)
			}
			p := report.Problems[0]
			if p.Stage != c.stage || !strings.Contains(p.Why, c.why) || p.What == "" || p.Mend == "" {
				t.Errorf("%+v, want %s ...%s...", p, c.stage, c.why)
			}
		})
	}
}

func TestWhatCannotBeStagedHereIsExplainedToo(t *testing.T) {
	x := &examination{config: doctorConfig{address: "kafka.example.com:9092", timeout: 1}}
	noMechanism := &loginError{[]string{"PLAIN"}, kerr.UnsupportedSaslMechanism}
	for _, c := range []struct {
		visit visit
		told  bool
		why   string
		mend  string
	}{
		{visit{address: "kafka:9092", failed: stageResolve, err: errors.New("no such host")}, true,
			`"kafka", a name that is not known here`, "advertised.listeners=NAME://kafka.example.com:PORT"},
		{visit{address: "kafka.example.com:1", failed: stageResolve, err: errors.New("no such host")}, false,
			"resolver does not know the name kafka.example.com", "DNS"},
		{visit{address: "localhost:9092", failed: stageDial, err: errors.New("refused")}, true,
			"localhost, which is where they run themselves", "KAFKA_ADVERTISED_LISTENERS"},
		{visit{address: "10.0.0.1:9092", failed: stageDial, err: errors.New("timeout")}, false,
			"firewall", "firewalls"},
		{visit{address: "a:1", failed: stageTLS, err: x509.HostnameError{Certificate: &x509.Certificate{}}}, true,
			"for other names", "advertise a name"},
		{visit{address: "a:1", failed: stageTLS, err: x509.CertificateInvalidError{}}, true,
			"not valid at this time", "clocks"},
		{visit{address: "a:1", failed: stageLogin, err: noMechanism}, true,
			"It offers PLAIN.", "--mechanism"},
		{visit{address: "a:1", failed: stageLogin, err: &loginError{nil, kerr.SaslAuthenticationFailed}}, true,
			"does not know this user", "password"},
		{visit{address: "a:1", failed: stageLogin, err: &loginError{nil, kerr.IllegalSaslState}}, true,
			"Nobody needs to log in", "--user"},
	} {
		p := x.explain(t.Context(), &c.visit, c.told)
		if !strings.Contains(p.Why, c.why) || !strings.Contains(p.Mend, c.mend) {
			t.Errorf("%+v: %+v, want ...%s... and ...%s...", c.visit, p, c.why, c.mend)
		}
	}
}

func TestALoopbackAddressThatAnswersByChanceIsAProblemFromAfar(t *testing.T) {
	x := &examination{config: doctorConfig{address: "kafka.example.com:9092"}}
	if _, wrong := x.advertisedElsewhere("localhost:9092"); !wrong {
		t.Error("nothing is wrong with a cluster far away that advertises localhost")
	}
	x.config.address = "127.0.0.1:9092"
	if _, wrong := x.advertisedElsewhere("localhost:9092"); wrong {
		t.Error("a cluster on this machine may advertise localhost")
	}
}

func FuzzAnswersAreReadOrRefused(f *testing.F) {
	f.Add([]byte("HTTP/1.1 400 Bad Request\r\n"))
	f.Add([]byte{0x15, 3, 3, 0, 2, 2, 70})
	f.Add([]byte{0, 0, 0, 4, 0, 0, 0, 1})
	f.Add([]byte{0x7f, 0xff, 0xff, 0xff, 0})
	f.Fuzz(func(t *testing.T, answer []byte) {
		frame, err := readAnswer(bytes.NewReader(answer))
		if err == nil && (len(frame) < 4 || len(frame) > len(answer)-4) {
			t.Errorf("a frame of %d bytes from %d", len(frame), len(answer))
		}
	})
}
