// A resolver and a balancer that behave as the ancestor's do.

package log_test

import (
	"context"
	"crypto/tls"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/attributes"
	"google.golang.org/grpc/balancer"
	"google.golang.org/grpc/balancer/base"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/resolver"

	"github.com/rehearse-go/rehearse/interop/log/proglog"
)

// scheme names both the resolver and the balancer.
const scheme = "proglog"

func init() { balancer.Register(base.NewBalancerBuilder(scheme, builder{}, base.Config{})) }

// dialBalanced are the options of a client that uses both.
func dialBalanced(secured *tls.Config) []grpc.DialOption {
	creds := grpc.WithTransportCredentials(credentials.NewTLS(secured))
	return []grpc.DialOption{
		creds, grpc.WithResolvers(finder{creds}),
		grpc.WithDefaultServiceConfig(`{"loadBalancingConfig":[{"` + scheme + `":{}}]}`),
	}
}

// finder makes resolvers.
type finder struct{ creds grpc.DialOption }

func (finder) Scheme() string { return scheme }

func (f finder) Build(
	target resolver.Target, cc resolver.ClientConn, _ resolver.BuildOptions,
) (resolver.Resolver, error) {
	conn, err := grpc.NewClient("passthrough:///"+target.Endpoint(), f.creds)
	if err != nil {
		return nil, err
	}
	r := &servers{conn: conn, tell: cc}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	r.ResolveNow(resolver.ResolveNowOptions{})
	return r, nil
}

// servers asks one server for all.
type servers struct {
	conn   *grpc.ClientConn
	tell   resolver.ClientConn
	ctx    context.Context
	cancel context.CancelFunc
	asking sync.WaitGroup
}

type isLeader struct{}

func (r *servers) ResolveNow(resolver.ResolveNowOptions) {
	r.asking.Go(func() {
		ctx, cancel := context.WithTimeout(r.ctx, time.Minute)
		defer cancel()
		resp, err := proglog.NewLogClient(r.conn).GetServers(ctx, &proglog.GetServersRequest{})
		if err != nil {
			r.tell.ReportError(err)
			return
		}
		var state resolver.State
		for _, s := range resp.Servers {
			state.Addresses = append(state.Addresses, resolver.Address{
				Addr: s.RpcAddr, Attributes: attributes.New(isLeader{}, s.IsLeader),
			})
		}
		_ = r.tell.UpdateState(state)
	})
}

func (r *servers) Close() {
	r.cancel()
	r.asking.Wait()
	r.conn.Close()
}

// builder makes a picker for each set of connections.
type builder struct{}

var turn atomic.Uint64 // of all pickers

func (builder) Build(info base.PickerBuildInfo) balancer.Picker {
	p := &picker{}
	type follower struct {
		addr string
		conn balancer.SubConn
	}
	var followers []follower
	for conn, is := range info.ReadySCs {
		if leads, _ := is.Address.Attributes.Value(isLeader{}).(bool); leads {
			p.leader = conn
			continue
		}
		followers = append(followers, follower{is.Address.Addr, conn})
	}
	slices.SortFunc(followers, func(a, b follower) int { return strings.Compare(a.addr, b.addr) })
	for _, f := range followers {
		p.followers = append(p.followers, f.conn)
	}
	return p
}

// picker sends what produces to the leader, what consumes to the followers in
// turns, and to the leader if there are none.
type picker struct {
	leader    balancer.SubConn
	followers []balancer.SubConn
}

func (p *picker) Pick(info balancer.PickInfo) (balancer.PickResult, error) {
	conn := p.leader
	if n := uint64(len(p.followers)); n > 0 && strings.Contains(info.FullMethodName, "Consume") {
		conn = p.followers[turn.Add(1)%n]
	}
	if conn == nil {
		return balancer.PickResult{}, balancer.ErrNoSubConnAvailable
	}
	return balancer.PickResult{SubConn: conn}, nil
}
