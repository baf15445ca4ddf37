// Tests of logins and of who may do what.

package state_test

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/rehearse-go/rehearse/kafkatest/internal/security"
	"github.com/rehearse-go/rehearse/kafkatest/internal/state"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// guarded starts a cluster of one broker from a Config.
func guarded(t *testing.T, config state.Config) *driver {
	t.Helper()
	config.Now, config.Brokers = begin, []state.Member{{ID: 1}}
	config.Endpoint = func(_ *call.Call, broker int32) (string, int32, bool) { return "broker", 9092, true }
	c, err := state.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return &driver{Cluster: c, t: t, broker: 1}
}

// mayDescribeACLs asks for all ACLs and returns the code.
func mayDescribeACLs(d *driver) int16 {
	req := kmsg.NewPtrDescribeACLsRequest()
	req.Version = 3
	req.ResourceType, req.ResourcePatternType = kmsg.ACLResourceTypeAny, kmsg.ACLResourcePatternTypeAny
	req.Operation, req.PermissionType = kmsg.ACLOperationAny, kmsg.ACLPermissionTypeAny
	return ask[*kmsg.DescribeACLsResponse](d, req).ErrorCode
}

func TestAnAuthorizerIsThereIfAnythingAsksForIt(t *testing.T) {
	allowed := security.ACL{
		Kind: kmsg.ACLResourceTypeCluster, Name: "kafka-cluster", Pattern: kmsg.ACLResourcePatternTypeLiteral,
		Principal: "User:alice", Host: "10.0.0.1",
		Operation: kmsg.ACLOperationDescribe, Permission: kmsg.ACLPermissionTypeAllow,
	}
	elsewhere := allowed
	elsewhere.Host = "10.0.0.2"
	const class, everyone = "authorizer.class.name", "allow.everyone.if.no.acl.found"
	for _, row := range []struct {
		name   string
		config state.Config
		want   *kerr.Error
	}{
		{"nothing", state.Config{}, kerr.SecurityDisabled},
		{"a super user", state.Config{SuperUsers: []string{"User:alice"}}, nil},
		{"another super user", state.Config{SuperUsers: []string{"User:bob"}}, kerr.ClusterAuthorizationFailed},
		{"a super user's setting", state.Config{Settings: map[string]string{"super.users": "User:x;User:alice"}}, nil},
		{"an authorizer", state.Config{Settings: map[string]string{class: "x"}}, kerr.ClusterAuthorizationFailed},
		{"one that is open", state.Config{Settings: map[string]string{class: "x", everyone: "true"}}, nil},
		{"an ACL", state.Config{ACLs: []security.ACL{allowed}}, nil},
		{"an ACL for another host", state.Config{ACLs: []security.ACL{elsewhere}}, kerr.ClusterAuthorizationFailed},
	} {
		t.Run(row.name, func(t *testing.T) {
			wantCode(t, "DescribeAcls", mayDescribeACLs(guarded(t, row.config)), row.want)
		})
	}
}

func TestAConfigThatCannotBeIsRefused(t *testing.T) {
	for _, config := range []state.Config{
		{Users: []security.User{{Name: "alice"}}},
		{ACLs: []security.ACL{{Principal: "alice"}}},
		{Settings: map[string]string{"ssl.principal.mapping.rules": "RULE:("}},
	} {
		config.Now, config.Brokers = begin, []state.Member{{ID: 1}}
		if _, err := state.New(config); err == nil {
			t.Errorf("%+v is taken", config)
		}
	}
}

func TestIdempotentProducersNeedATopicToWriteTo(t *testing.T) {
	d := guarded(t, state.Config{SuperUsers: []string{"User:root"}})
	initCode := func() int16 {
		req := kmsg.NewPtrInitProducerIDRequest()
		req.Version = 5
		return ask[*kmsg.InitProducerIDResponse](d, req).ErrorCode
	}
	wantCode(t, "without ACLs", initCode(), kerr.ClusterAuthorizationFailed)
	err := d.Authorizer().Add(security.ACL{
		Kind: kmsg.ACLResourceTypeTopic, Name: "t", Pattern: kmsg.ACLResourcePatternTypePrefixed,
		Principal: "User:alice", Host: "*", Operation: kmsg.ACLOperationWrite, Permission: kmsg.ACLPermissionTypeAllow,
	})
	if err != nil {
		t.Fatal(err)
	}
	wantCode(t, "with some topics to write to", initCode(), nil)
}

func TestALoginLastsAsLongAsTheSettingSays(t *testing.T) {
	d := guarded(t, state.Config{
		Users:    []security.User{{Name: "alice", Password: "secret"}},
		Settings: map[string]string{"connections.max.reauth.ms": "5000"},
	})
	session := d.NewSession("c1", []string{"PLAIN"}, nil)
	x := &call.Call{Now: begin, Agenda: d.Agenda, Session: session}
	shake := kmsg.NewPtrSASLHandshakeRequest()
	shake.Version, shake.Mechanism = 1, "PLAIN"
	wantCode(t, "SaslHandshake", d.Handle(x, shake).(*kmsg.SASLHandshakeResponse).ErrorCode, nil)
	authenticate := kmsg.NewPtrSASLAuthenticateRequest()
	authenticate.Version, authenticate.SASLAuthBytes = 1, []byte("\x00alice\x00secret")
	resp := d.Handle(x, authenticate).(*kmsg.SASLAuthenticateResponse)
	wantCode(t, "SaslAuthenticate", resp.ErrorCode, nil)
	if session.Principal() != "User:alice" || resp.SessionLifetimeMillis != 5000 {
		t.Errorf("%q is logged in for %d ms", session.Principal(), resp.SessionLifetimeMillis)
	}
}

func sha256MAC(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

// lastOfLibrdkafka answers the server's first message of SCRAM as librdkafka
// before 2.6.1 does: with its own part of the nonce twice.
func lastOfLibrdkafka(t *testing.T, bare, server, password string) []byte {
	t.Helper()
	attributes := strings.Split(server, ",")
	salt, err := base64.StdEncoding.DecodeString(attributes[1][len("s="):])
	if err != nil {
		t.Fatal(err)
	}
	salted, err := pbkdf2.Key(sha256.New, password, salt, 4096, sha256.Size)
	if err != nil {
		t.Fatal(err)
	}
	last := "c=biws,r=" + bare[strings.Index(bare, "r=")+2:] + attributes[0][len("r="):]
	proof := sha256MAC(salted, "Client Key")
	stored := sha256.Sum256(proof)
	for i, b := range sha256MAC(stored[:], bare+","+server+","+last) {
		proof[i] ^= b
	}
	return []byte(last + ",p=" + base64.StdEncoding.EncodeToString(proof))
}

func TestOldLibrdkafkaLogsInUntilKafka4(t *testing.T) {
	for version, want := range map[string]bool{"": true, "3.9": true, "4.0": false} {
		d := guarded(t, state.Config{Version: version, Users: []security.User{{Name: "alice", Password: "secret"}}})
		session := d.NewSession("c1", []string{"SCRAM-SHA-256"}, nil)
		if err := session.Handshake("SCRAM-SHA-256", false); err != nil {
			t.Fatal(err)
		}
		const bare = "n=alice,r=abc"
		answer, _, err := session.Authenticate(begin, []byte("n,,"+bare))
		if err != nil {
			t.Fatal(err)
		}
		_, done, err := session.Authenticate(begin, lastOfLibrdkafka(t, bare, string(answer), "secret"))
		if done != want {
			t.Errorf("version %q: logged in %t, %v", version, done, err)
		}
	}
}

func TestNobodyLogsInWhereThereIsNoSasl(t *testing.T) {
	d := guarded(t, state.Config{})
	shake := kmsg.NewPtrSASLHandshakeRequest()
	shake.Version, shake.Mechanism = 1, "PLAIN"
	wantCode(t, "SaslHandshake", ask[*kmsg.SASLHandshakeResponse](d, shake).ErrorCode, kerr.IllegalSaslState)
	authenticate := kmsg.NewPtrSASLAuthenticateRequest()
	resp := ask[*kmsg.SASLAuthenticateResponse](d, authenticate)
	wantCode(t, "SaslAuthenticate", resp.ErrorCode, kerr.IllegalSaslState)
}

func TestPrincipalsOfCertificatesFollowTheSetting(t *testing.T) {
	d := guarded(t, state.Config{
		Settings: map[string]string{"ssl.principal.mapping.rules": "RULE:^CN=(.*?),.*$/$1/"},
	})
	if got, ok := d.PrincipalOf("CN=alice,O=x"); got != "User:alice" || !ok {
		t.Errorf("got %q, %t", got, ok)
	}
	if got, ok := d.PrincipalOf("O=x"); ok {
		t.Errorf("a name that no rule matches is %q", got)
	}
}
