// Who is at the other end.

package secure

import (
	"context"
	"crypto/tls"
	"errors"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
)

// CommonName returns the common name in the certificate of the client whose
// call ctx belongs to. If there is none, because there is no TLS, no
// certificate, none that was verified, or no name in it, the error is a status
// of code Unauthenticated.
func CommonName(ctx context.Context) (string, error) {
	p, ok := peer.FromContext(ctx)
	if !ok || p.AuthInfo == nil {
		return "", status.Error(codes.Unauthenticated,
			"who calls is known by a TLS certificate only, and there is no TLS")
	}
	info, ok := p.AuthInfo.(credentials.TLSInfo)
	if !ok {
		return "", status.Errorf(codes.Unauthenticated,
			"who calls is known by a TLS certificate only, and the connection has %s instead", p.AuthInfo.AuthType())
	}
	name, err := NameOf(info.State)
	if err != nil {
		return "", status.Error(codes.Unauthenticated, err.Error())
	}
	return name, nil
}

// NameOf returns the common name in the verified certificate of who is at the
// other end of a TLS connection.
func NameOf(s tls.ConnectionState) (string, error) {
	if len(s.VerifiedChains) == 0 || len(s.VerifiedChains[0]) == 0 {
		return "", errors.New("no certificate that could be verified was shown")
	}
	name := s.VerifiedChains[0][0].Subject.CommonName
	if name == "" {
		return "", errors.New("the certificate that was shown has no common name, which says who its holder is")
	}
	return name, nil
}
