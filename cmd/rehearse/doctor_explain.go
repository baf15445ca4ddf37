// Explanations: what a failed visit means, and how it is mended.

package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
)

// explain says why a visit failed. told is true of an address that the cluster
// advertises, and false of the one given on the command line.
func (x *examination) explain(ctx context.Context, v *visit, told bool) doctorProblem {
	p := doctorProblem{Address: v.address, Stage: v.failed, What: plainly(v.err)}
	switch v.failed {
	case stageResolve:
		p.Why, p.Mend = x.unresolved(v, told)
	case stageDial:
		p.Why, p.Mend = x.unreachable(v, told)
	case stageTLS:
		p.Why, p.Mend = x.insecure(v)
	case stageGreet:
		p.Why, p.Mend = x.unanswered(v)
	case stageLogin:
		p.Why, p.Mend = x.refused(v)
	case stageAsk:
		p.Why, p.Mend = x.unasked(v)
	}
	return p
}

// plainly says an error without what only programmers read.
func plainly(err error) string {
	switch {
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection was closed without an answer"
	case errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.ECONNRESET):
		return "the connection was reset"
	}
	return err.Error()
}

// mendAdvertised tells how a broker is made to advertise another address.
func mendAdvertised(host string) string {
	return fmt.Sprintf("Have the broker advertise an address that clients reach: advertised.listeners=NAME://%s:PORT "+
		"(KAFKA_ADVERTISED_LISTENERS in images; --advertise of rehearse kafka). Clients inside and outside of a "+
		"container network need a listener each.", host)
}

func (x *examination) unresolved(v *visit, told bool) (why, mend string) {
	host, _, _ := net.SplitHostPort(v.address)
	if !told {
		return "This machine's resolver does not know the name " + host + ".", "Check its spelling, DNS and /etc/hosts."
	}
	given, _, _ := net.SplitHostPort(x.config.address)
	return fmt.Sprintf("The broker tells clients to connect to %q, a name that is not known here; it may be one of a "+
		"container network. The first connection worked, every further one will fail.", host), mendAdvertised(given)
}

func (x *examination) unreachable(v *visit, told bool) (why, mend string) {
	host, port, _ := net.SplitHostPort(v.address)
	given, _, _ := net.SplitHostPort(x.config.address)
	switch {
	case told && isLoopback(host) && !isLoopback(given):
		return "The broker tells clients to connect to " + host + ", which is where they run themselves.",
			mendAdvertised(given)
	case told:
		return "The broker tells clients to connect to an address that cannot be reached from here: another port or " +
			"network, a port that is not published, or a broker that is down.", mendAdvertised(given)
	case errors.Is(v.err, syscall.ECONNREFUSED):
		return "Nothing listens on port " + port + " of " + host + ".",
			"Start the broker, or look at the port it listens on and, in a container, at the ports it publishes."
	}
	return "Nothing answered: a firewall drops what is sent, or the address is another machine's.",
		"Check the address and the firewalls on the way."
}

func (x *examination) insecure(v *visit) (why, mend string) {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(v.err, &unknown):
		return "The certificate is of an authority that this machine does not trust.",
			"Give the authority's certificate with --tls-ca; in a Java client, ssl.truststore.location."
	case errors.As(v.err, &name):
		return "The certificate is for other names than the one that was dialled.",
			"Put the advertised name into the certificate, or advertise a name that is in it."
	case errors.As(v.err, &invalid):
		return "The certificate is not valid at this time or for this use.", "Renew it, and check the clocks."
	case isCertificateWanted(v.err):
		return whyCertificate, mendCertificate
	case x.speaksOtherwise(v.address):
		return "The port speaks plain text, not TLS.", "Leave --tls away, in a client " +
			"security.protocol=PLAINTEXT or SASL_PLAINTEXT, or use the port of the TLS listener."
	}
	return "The TLS handshake failed: what listens there speaks no TLS, or other versions of it.", "Check the port."
}

// speaksOtherwise asks the address again with TLS if it was asked without, or
// without if it was asked with.
func (x *examination) speaksOtherwise(address string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), x.config.timeout)
	defer cancel()
	return x.way.otherwise().speaksKafka(ctx, address)
}

// speaksHTTP asks the address as a browser would.
func (x *examination) speaksHTTP(address string) bool {
	nc, err := net.DialTimeout("tcp", address, x.config.timeout)
	if err != nil {
		return false
	}
	defer nc.Close()
	_ = nc.SetDeadline(time.Now().Add(x.config.timeout))
	if _, err := io.WriteString(nc, "GET / HTTP/1.0\r\n\r\n"); err != nil {
		return false
	}
	var first [5]byte
	_, err = io.ReadFull(nc, first[:])
	return err == nil && string(first[:]) == "HTTP/"
}

func (x *examination) unanswered(v *visit) (why, mend string) {
	var alien *alienError
	speaks := ""
	if errors.As(v.err, &alien) {
		speaks = alien.speaks
	}
	switch {
	case isCertificateWanted(v.err):
		return whyCertificate, mendCertificate
	case speaks == "HTTP" || x.speaksHTTP(v.address):
		return "An HTTP server answers on this port, such as a REST proxy, a schema registry or a console.",
			"Use the broker's port, usually 9092."
	case x.way.tls == nil && (speaks == "TLS" || x.speaksOtherwise(v.address)):
		return "The port speaks TLS, and was spoken to in plain text.",
			"Say --tls; in a client security.protocol=SSL or SASL_SSL."
	case errors.Is(v.err, os.ErrDeadlineExceeded):
		return "The port takes connections and does not answer: a proxy without its broker, a broker that is " +
			"overloaded or starting, or another protocol.", "Look at the broker's log; try a longer --timeout."
	}
	return "What listens there does not speak Kafka, or is a proxy without its broker.", "Check the port."
}

// isCertificateWanted finds the alert about a certificate that was not shown or
// not liked. In TLS 1.3 it comes after the handshake.
func isCertificateWanted(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "remote error" && strings.Contains(op.Error(), "certificate")
}

// What is said of it.
const (
	whyCertificate  = "The broker demands a certificate of clients."
	mendCertificate = "Give --tls-cert and --tls-key; in a Java client, ssl.keystore.location."
)

func (x *examination) refused(v *visit) (why, mend string) {
	var login *loginError
	offers := ""
	if errors.As(v.err, &login) && len(login.offered) > 0 {
		offers = " It offers " + orList(login.offered) + "."
	}
	switch {
	case errors.Is(v.err, kerr.UnsupportedSaslMechanism):
		return "The broker does not have this mechanism." + offers,
			"Choose another with --mechanism, or enable it: sasl.enabled.mechanisms."
	case errors.Is(v.err, kerr.SaslAuthenticationFailed):
		return "The broker does not know this user with this password and mechanism." + offers,
			"Check name and password; SCRAM users are made with kafka-configs, PLAIN ones in the broker's JAAS config."
	case errors.Is(v.err, kerr.IllegalSaslState):
		return "Nobody needs to log in at this listener.", "Leave --user away, or use the port of the SASL listener."
	}
	return "The login came to nothing." + offers, "Look at the broker's log."
}

// unasked explains brokers that were not told: most often a login is missing.
func (x *examination) unasked(v *visit) (why, mend string) {
	ctx, cancel := context.WithTimeout(context.Background(), x.config.timeout)
	defer cancel()
	again := access{tls: x.way.tls}.call(ctx, v.address)
	defer again.close()
	if x.way.user == "" && again.failed == stageDone {
		if offered, err := again.client.offered(); err == nil {
			return "One has to log in at this listener; it offers " + orList(offered) + ".",
				"Say --user NAME:PASSWORD; in a client security.protocol=SASL_PLAINTEXT or SASL_SSL."
		}
	}
	return "The broker greets and then says nothing of its cluster.", "Look at the broker's log."
}
