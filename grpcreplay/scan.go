// Secrets that still stand in recordings and other files.

package grpcreplay

import (
	"fmt"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/redact"
)

// A Secret is something in a file that should not stand there.
type Secret struct {
	Where  string // such as "call 3, request 1: card.number", or "line 12"
	What   string // such as "a GitHub token"
	Sample string // how long it is, and of a long token how it begins: never the whole
}

// Secrets returns what the recording's rules of redaction, or without any the
// default ones, would replace, at most a thousand. What the rules keep is
// kept; that they or the detectors of tokens are switched off does not count.
func (r *Recording) Secrets() ([]Secret, error) {
	rules, salt, err := redact.ParseRules(r.tape.Head.Redact)
	if err != nil {
		return nil, fmt.Errorf("grpcreplay: the recording's rules of redaction: %w", err)
	}
	rules.Off, rules.NoTokens = false, false
	by, err := redact.New(rules, r.schema, salt)
	if err != nil {
		return nil, fmt.Errorf("grpcreplay: the recording's rules of redaction: %w", err)
	}
	return secretsOf(by.Scan(r.tape, r.schema)), nil
}

// SecretsIn returns what looks like a token in a file of any kind, at most a
// thousand.
func SecretsIn(b []byte) ([]Secret, error) {
	by, err := redact.New(redact.Rules{}, nil, nil)
	if err != nil {
		return nil, err
	}
	return secretsOf(by.ScanText(b)), nil
}

func secretsOf(found []redact.Finding) []Secret {
	secrets := make([]Secret, len(found))
	for i, f := range found {
		secrets[i] = Secret(f)
	}
	return secrets
}
