// Security: logins, principals and what they may do, joined to the cluster.

package state

import (
	"time"

	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/rehearse-go/rehearse/kafkatest/internal/security"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// guards are what decides who a client is, and what it may do.
type guards struct {
	users      *security.Users
	authorizer *security.Authorizer // nil if everything is allowed
	quotas     security.Quotas
	mapping    *security.Mapping
}

// newGuards makes them of the Config and the settings. There is an authorizer
// if the settings name one, or if there are super users or ACLs, which would
// mean nothing without it.
func newGuards(c *Cluster) (g guards, err error) {
	if g.users, err = security.NewUsers(c.Seed, c.config.Users); err != nil {
		return g, err
	}
	if g.mapping, err = security.ParseMapping(c.Setting("ssl.principal.mapping.rules")); err != nil {
		return g, err
	}
	superUsers := append(security.SuperUsers(c.Setting("super.users")), c.config.SuperUsers...)
	if c.Setting("authorizer.class.name") == "" && len(superUsers) == 0 && len(c.config.ACLs) == 0 {
		return g, nil
	}
	g.authorizer = security.NewAuthorizer(superUsers, c.settingBool("allow.everyone.if.no.acl.found"))
	return g, g.authorizer.Add(c.config.ACLs...)
}

func securityAPIs() []api {
	authorizer := func(c *Cluster) *security.Authorizer { return c.guards.authorizer }
	quotas := func(c *Cluster) *security.Quotas { return &c.guards.quotas }
	users := func(c *Cluster) *security.Users { return c.guards.users }
	return []api{
		serves(kmsg.SASLHandshake, 0, 1, (*Cluster).saslHandshake),
		serves(kmsg.SASLAuthenticate, 0, 2, (*Cluster).saslAuthenticate),
		serves(kmsg.DescribeACLs, 0, 3, by(authorizer, (*security.Authorizer).DescribeACLs)),
		serves(kmsg.CreateACLs, 0, 3, by(authorizer, (*security.Authorizer).CreateACLs)),
		serves(kmsg.DeleteACLs, 0, 3, by(authorizer, (*security.Authorizer).DeleteACLs)),
		serves(kmsg.DescribeClientQuotas, 0, 1, by(quotas, (*security.Quotas).DescribeClientQuotas)),
		serves(kmsg.AlterClientQuotas, 0, 1, by(quotas, (*security.Quotas).AlterClientQuotas)),
		serves(kmsg.DescribeUserSCRAMCredentials, 0, 0, by(users, (*security.Users).DescribeUserSCRAMCredentials)),
		serves(kmsg.AlterUserSCRAMCredentials, 0, 0, by(users, (*security.Users).AlterUserSCRAMCredentials)),
	}
}

func (*Cluster) saslHandshake(x *call.Call, req *kmsg.SASLHandshakeRequest) kmsg.Response {
	return sessionOf(x).SASLHandshake(x, req)
}

func (*Cluster) saslAuthenticate(x *call.Call, req *kmsg.SASLAuthenticateRequest) kmsg.Response {
	return sessionOf(x).SASLAuthenticate(x, req)
}

// sessionOf returns the caller's session; one that refuses every login if the
// listener has none.
func sessionOf(x *call.Call) *security.Session {
	if s, ok := x.Session.(*security.Session); ok {
		return s
	}
	return security.NewSession(security.SessionConfig{})
}

// NewSession returns the session of a connection on a listener that offers the
// mechanisms. The shell keeps it, hands it in with every call, and asks it who
// the client is and what may come next. Handlers conduct logins by mechanisms
// other than PLAIN and SCRAM.
func (c *Cluster) NewSession(
	conn string, mechanisms []string, handlers map[string]func() security.TokenHandler,
) *security.Session {
	return security.NewSession(security.SessionConfig{
		Conn: conn, Seed: c.Seed, Mechanisms: mechanisms, Users: c.guards.users, Handlers: handlers,
		ExactNonce: c.config.Version != "" && !c.persona.before(4, 0),
		Lifetime:   time.Duration(c.SettingInt("connections.max.reauth.ms")) * time.Millisecond,
	})
}

// PrincipalOf returns the principal of a client by the distinguished name in
// its certificate, or false if the client is to be refused.
func (c *Cluster) PrincipalOf(name string) (string, bool) { return c.guards.mapping.Principal(name) }

// Disconnected forgets what is kept for a connection's sake.
func (c *Cluster) Disconnected(conn string) { c.txns.Disconnected(conn) }

// authorize has the authorizer decide what the caller may do, if there is one
// and nobody else does.
func (c *Cluster) authorize(x *call.Call) {
	a := c.guards.authorizer
	if a == nil || x.Allow != nil {
		return
	}
	who := security.Caller{Principal: x.Principal, Host: x.Host}
	x.Allow = func(op kmsg.ACLOperation, kind kmsg.ACLResourceType, name string) bool {
		return a.Allows(who, op, kind, name)
	}
	x.AllowAny = func(op kmsg.ACLOperation, kind kmsg.ACLResourceType) bool {
		return a.AllowsAny(who, op, kind)
	}
}
