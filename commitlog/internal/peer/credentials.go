// Credentials for gRPC on connections that have shaken hands already.

package peer

import (
	"context"
	"crypto/tls"
	"net"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// Credentials are gRPC's for connections of [Mux.RPC]: they shake no hands. A
// *tls.Conn's state reaches handlers as credentials.TLSInfo, with
// PrivacyAndIntegrity; any other connection is as insecure as it is, with
// NoSecurity.
func Credentials() credentials.TransportCredentials { return shaken{} }

type shaken struct{}

func (shaken) ServerHandshake(conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	t, ok := conn.(*tls.Conn)
	if !ok {
		return insecure.NewCredentials().ServerHandshake(conn)
	}
	return conn, credentials.TLSInfo{
		State:          t.ConnectionState(),
		CommonAuthInfo: credentials.CommonAuthInfo{SecurityLevel: credentials.PrivacyAndIntegrity},
	}, nil
}

func (s shaken) ClientHandshake(
	_ context.Context, _ string, conn net.Conn,
) (net.Conn, credentials.AuthInfo, error) {
	return s.ServerHandshake(conn)
}

func (shaken) Info() credentials.ProtocolInfo {
	return credentials.ProtocolInfo{SecurityProtocol: "handshaken"}
}

func (s shaken) Clone() credentials.TransportCredentials { return s }

func (shaken) OverrideServerName(string) error { return nil }
