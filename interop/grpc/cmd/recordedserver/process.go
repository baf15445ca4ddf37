// The real server, as a process.

package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"os/exec"
)

// A process is the real server.
type process struct {
	cmd  *exec.Cmd
	addr string
	tls  *tls.Config // to it; nil if it speaks in the clear
}

// start starts the real server. That clients show certificates is left to the
// proxy, which has none to show.
func start(command []string, asked *request) (*process, error) {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd}
	err = errors.Join(writeMessage(in, asked.withoutClientCert), in.Close())
	if err == nil {
		var told []byte
		told, err = readMessage(out)
		err = errors.Join(err, p.learn(told))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", command[0], err), p.stop())
	}
	return p, nil
}

// learn takes in where the server says it is.
func (p *process) learn(told []byte) error {
	addr, cert, err := parseResponse(told)
	if err != nil {
		return err
	}
	p.addr = addr
	if len(cert) == 0 {
		return nil
	}
	roots, err := pool(cert)
	p.tls = &tls.Config{RootCAs: roots}
	return err
}

// stop ends the process. That it had to be killed is no error.
func (p *process) stop() error {
	err := p.cmd.Process.Kill()
	var exit *exec.ExitError
	if waited := p.cmd.Wait(); !errors.As(waited, &exit) {
		err = errors.Join(err, waited)
	}
	return err
}

// pool returns the certificates of a PEM file as those to trust.
func pool(pem []byte) (*x509.CertPool, error) {
	certs := x509.NewCertPool()
	if !certs.AppendCertsFromPEM(pem) {
		return nil, errors.New("there is no certificate in what the suite sent")
	}
	return certs, nil
}
