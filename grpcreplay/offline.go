// Dial options that lead into memory, whatever they are asked to dial.

package grpcreplay

import (
	"context"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/resolver"
)

// offline returns options by which a connection leads to e: no name is
// resolved, nothing is dialled, nobody is asked for credentials.
func offline(e *entrance) []grpc.DialOption {
	var fixed []resolver.Builder
	for _, scheme := range []string{"dns", "passthrough", "unix", "unix-abstract", "xds", "google-c2p"} {
		fixed = append(fixed, toMemory(scheme))
	}
	return []grpc.DialOption{
		grpc.WithResolvers(fixed...),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return e.connect(ctx) }),
		grpc.WithCredentialsBundle(nil),
		grpc.WithTransportCredentials(trusting{}),
		grpc.WithDisableServiceConfig(),
		grpc.WithNoProxy(),
	}
}

// memoryAddress is the one address that there is in memory.
const memoryAddress = "recording"

// toMemory is a resolver for a scheme that finds one address for any name.
type toMemory string

func (s toMemory) Scheme() string { return string(s) }

func (s toMemory) Build(_ resolver.Target, cc resolver.ClientConn, _ resolver.BuildOptions) (resolver.Resolver, error) {
	one := resolver.Endpoint{Addresses: []resolver.Address{{Addr: memoryAddress}}}
	cc.UpdateState(resolver.State{Endpoints: []resolver.Endpoint{one}})
	return found{}, nil
}

// found is a resolver that has done its work.
type found struct{}

func (found) ResolveNow(resolver.ResolveNowOptions) {}
func (found) Close()                                {}

// trusting are transport credentials for a connection that never leaves the
// process: as private as can be, so that per-call credentials that insist on
// privacy are content.
type trusting struct{}

// inMemory is what is known of the other end.
type inMemory struct{ credentials.CommonAuthInfo }

func (inMemory) AuthType() string { return "memory" }

func (trusting) ClientHandshake(_ context.Context, _ string, c net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return trusting{}.ServerHandshake(c)
}

func (trusting) ServerHandshake(c net.Conn) (net.Conn, credentials.AuthInfo, error) {
	return c, inMemory{credentials.CommonAuthInfo{SecurityLevel: credentials.PrivacyAndIntegrity}}, nil
}

func (trusting) Info() credentials.ProtocolInfo {
	return credentials.ProtocolInfo{SecurityProtocol: "memory"}
}

func (t trusting) Clone() credentials.TransportCredentials { return t }

// OverrideServerName is there because the interface asks for it.
func (trusting) OverrideServerName(string) error { return nil }
