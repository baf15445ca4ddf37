// Tests of logging in, from both sides: the command's users, the doctor's client.

package main

import (
	"strings"
	"testing"
)

func TestClientsLogInByEveryMechanism(t *testing.T) {
	r := startKafkaCommand(t, "--listen", "127.0.0.1:0", "--user", "al,ice=:se:cret", "--user", "bob:builder")
	defer r.end()
	address := r.property("bootstrap.servers")
	for _, c := range []struct {
		what string
		args []string
		why  string // "" if all is well
	}{
		{"the best mechanism", []string{"--user", "al,ice=:se:cret"}, ""},
		{"plain", []string{"--user", "bob:builder", "--mechanism", "PLAIN"}, ""},
		{"scram, 256", []string{"--user", "bob:builder", "--mechanism", "scram-sha-256"}, ""},
		{"scram, 512", []string{"--user", "al,ice=:se:cret", "--mechanism", "SCRAM-SHA-512"}, ""},
		{"a wrong password", []string{"--user", "bob:wrong"}, "does not know this user"},
		{"a wrong password, plain", []string{"--user", "bob:wrong", "--mechanism", "PLAIN"}, "does not know this user"},
		{"nobody", nil, "it offers PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512"},
	} {
		t.Run(c.what, func(t *testing.T) {
			report, code := doctor(t, address, c.args...)
			switch {
			case c.why == "" && code != exitDone:
				t.Errorf("exit code %d, %+v", code, report)
			case c.why != "" && (code != exitDifferent || !strings.Contains(report.Problems[0].Why, c.why)):
				t.Errorf("exit code %d, %+v, want ...%s...", code, report, c.why)
			}
		})
	}
	if jaas := r.property("sasl.jaas.config"); !strings.Contains(jaas, `username="al,ice="`) {
		t.Errorf("jaas: %s", jaas)
	}
}

func TestOnlyTheMechanismsAskedForAreOffered(t *testing.T) {
	r := startKafkaCommand(t, "--listen", "127.0.0.1:0", "--user", "bob:builder", "--sasl", "SCRAM-SHA-256")
	defer r.end()
	if got := r.property("sasl.mechanism"); got != "SCRAM-SHA-256" {
		t.Errorf("sasl.mechanism=%s", got)
	}
	report, code := doctor(t, r.property("bootstrap.servers"), "--user", "bob:builder", "--mechanism", "PLAIN")
	if code != exitDifferent || !strings.Contains(report.Problems[0].Why, "It offers SCRAM-SHA-256.") {
		t.Errorf("exit code %d, %+v", code, report)
	}
}

func TestCertificatesAreMadeAndDemanded(t *testing.T) {
	dir := t.TempDir()
	r := startKafkaCommand(t, "--listen", "PLAINTEXT://127.0.0.1:0,SSL://127.0.0.1:0", "--tls-self-signed", dir)
	defer r.end()
	var secure string
	for _, line := range r.lines {
		if address, ok := strings.CutPrefix(line, "# bootstrap.servers="); ok {
			secure = address
		}
	}
	if report, code := doctor(t, secure, "--tls-ca", dir+"/ca.pem"); code != exitDone {
		t.Errorf("exit code %d, %+v", code, report)
	}
	if report, code := doctor(t, r.property("bootstrap.servers")); code != exitDone {
		t.Errorf("exit code %d, %+v", code, report)
	}

	strict := startKafkaCommand(t, "--listen", "127.0.0.1:0", "--tls-self-signed", t.TempDir(),
		"--tls-ca", dir+"/ca.pem")
	defer strict.end()
	report, code := doctor(t, strict.property("bootstrap.servers"), "--tls-insecure")
	if code != exitDifferent || !strings.Contains(report.Problems[0].Why, "demands a certificate of clients") {
		t.Errorf("exit code %d, %+v", code, report)
	}
}

func TestRulesFireAndThoseThatDoNotAreTold(t *testing.T) {
	r := startKafkaCommand(t, "--listen", "127.0.0.1:0", "--rule", "before Metadata client=rehearse first=1: close",
		"--rule", "before Fetch: close", "--log", "connections")
	report, code := doctor(t, r.property("bootstrap.servers"))
	if code != exitDifferent || report.Problems[0].Stage != stageAsk {
		t.Errorf("exit code %d, %+v", code, report)
	}
	r.end()
	said := r.said.String()
	if !strings.Contains(said, "msg=rule") || !strings.Contains(said, "rehearse: note: before Fetch: close: asked") ||
		strings.Contains(said, "note: before Metadata") {
		t.Errorf("the command says %s", said)
	}
}
