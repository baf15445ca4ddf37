// Tests of the requests about SCRAM credentials and quotas.

package security_test

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/rehearse-go/rehearse/kafkatest/internal/security"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

var refusing = &call.Call{Allow: func(kmsg.ACLOperation, kmsg.ACLResourceType, string) bool { return false }}

// describeUsers returns a line for each user.
func describeUsers(u *security.Users, names ...string) (lines []string) {
	req := kmsg.NewDescribeUserSCRAMCredentialsRequest()
	for _, name := range names {
		user := kmsg.NewDescribeUserSCRAMCredentialsRequestUser()
		user.Name = name
		req.Users = append(req.Users, user)
	}
	resp := u.DescribeUserSCRAMCredentials(&call.Call{}, &req).(*kmsg.DescribeUserSCRAMCredentialsResponse)
	for _, r := range resp.Results {
		line := fmt.Sprint(r.User, " ", r.ErrorCode)
		for _, i := range r.CredentialInfos {
			line += fmt.Sprint(" ", i.Mechanism, ":", i.Iterations)
		}
		lines = append(lines, line)
	}
	return lines
}

// A change is a deletion if it has no iterations.
type change struct {
	name       string
	mechanism  int8
	iterations int32
}

// alter returns a line for each user.
func alter(u *security.Users, changes ...change) (lines []string) {
	req := kmsg.NewAlterUserSCRAMCredentialsRequest()
	for _, c := range changes {
		if c.iterations == 0 {
			d := kmsg.NewAlterUserSCRAMCredentialsRequestDeletion()
			d.Name, d.Mechanism = c.name, c.mechanism
			req.Deletions = append(req.Deletions, d)
			continue
		}
		one := kmsg.NewAlterUserSCRAMCredentialsRequestUpsertion()
		one.Name, one.Mechanism, one.Iterations, one.Salt = c.name, c.mechanism, c.iterations, []byte("salt")
		one.SaltedPassword, _ = pbkdf2.Key(sha256.New, "new", one.Salt, int(c.iterations), 32)
		req.Upsertions = append(req.Upsertions, one)
	}
	resp := u.AlterUserSCRAMCredentials(&call.Call{}, &req).(*kmsg.AlterUserSCRAMCredentialsResponse)
	for _, r := range resp.Results {
		lines = append(lines, fmt.Sprint(r.User, " ", r.ErrorCode))
	}
	return lines
}

func expect(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestCredentialsAreDescribed(t *testing.T) {
	u := users(t, security.User{Name: "bob", Password: "x"}, security.User{Name: "alice", Password: "y"})
	expect(t, describeUsers(u), "alice 0 1:4096 2:4096", "bob 0 1:4096 2:4096")
	expect(t, describeUsers(u, "bob", "nobody", "alice", "bob"), "bob 92", "nobody 91", "alice 0 1:4096 2:4096")

	req := kmsg.NewDescribeUserSCRAMCredentialsRequest()
	resp := u.DescribeUserSCRAMCredentials(refusing, &req).(*kmsg.DescribeUserSCRAMCredentialsResponse)
	if resp.ErrorCode != kerr.ClusterAuthorizationFailed.Code || len(resp.Results) != 0 {
		t.Errorf("without rights: %+v", resp)
	}
}

func TestCredentialsAreAltered(t *testing.T) {
	u := users(t, security.User{Name: "alice", Password: "old"})
	expect(t, alter(u, change{"carol", 1, 4096}, change{"alice", 1, 5000}), "carol 0", "alice 0")
	expect(t, describeUsers(u), "alice 0 1:5000 2:4096", "carol 0 1:4096")
	for user, password := range map[string]string{"alice": "new", "carol": "new"} {
		s := security.NewSession(security.SessionConfig{Users: u, Mechanisms: []string{"SCRAM-SHA-256"}})
		if err := loginScram(t, s, "SCRAM-SHA-256", user, password); err != nil {
			t.Errorf("%s: %v", user, err)
		}
	}
	s := security.NewSession(security.SessionConfig{Users: u, Mechanisms: []string{"SCRAM-SHA-256"}})
	if err := loginScram(t, s, "SCRAM-SHA-256", "alice", "old"); err == nil {
		t.Error("the old password is good")
	}

	expect(t, alter(u, change{"alice", 2, 0}, change{"carol", 1, 0}), "alice 0", "carol 0")
	expect(t, describeUsers(u), "alice 0 1:5000")
	expect(t, describeUsers(u, "carol"), "carol 91")
	expect(t, alter(u, change{"alice", 2, 0}, change{"carol", 1, 0}), "alice 91", "carol 91")
}

func TestAlterationsThatAreRefused(t *testing.T) {
	u := users(t, security.User{Name: "alice", Password: "old"})
	for _, row := range []struct {
		name    string
		changes []change
		want    []string
	}{
		{"too few iterations", []change{{"a", 1, 4095}}, []string{"a 93"}},
		{"too many iterations", []change{{"a", 1, 16385}}, []string{"a 93"}},
		{"no name", []change{{"", 1, 4096}}, []string{" 93"}},
		{"an unknown mechanism", []change{{"a", 3, 4096}}, []string{"a 33"}},
		{"an unknown mechanism to delete", []change{{"alice", 0, 0}}, []string{"alice 33"}},
		{"twice", []change{{"alice", 1, 4096}, {"alice", 2, 4096}}, []string{"alice 92"}},
		{"deleted and altered", []change{{"alice", 1, 0}, {"alice", 2, 4096}}, []string{"alice 92"}},
		{"one of two", []change{{"a", 1, 1}, {"alice", 1, 4096}}, []string{"a 93", "alice 0"}},
	} {
		t.Run(row.name, func(t *testing.T) { expect(t, alter(u, row.changes...), row.want...) })
	}

	req := kmsg.NewAlterUserSCRAMCredentialsRequest()
	d := kmsg.NewAlterUserSCRAMCredentialsRequestDeletion()
	d.Name, d.Mechanism = "alice", 1
	req.Deletions = append(req.Deletions, d)
	resp := u.AlterUserSCRAMCredentials(refusing, &req).(*kmsg.AlterUserSCRAMCredentialsResponse)
	if resp.Results[0].ErrorCode != kerr.ClusterAuthorizationFailed.Code {
		t.Errorf("without rights: %+v", resp)
	}
	expect(t, describeUsers(u), "alice 0 1:4096 2:4096")
}

func TestUsersNeedANameAndAPassword(t *testing.T) {
	for _, user := range []security.User{{Name: "a"}, {Password: "x"}} {
		if _, err := security.NewUsers(1, []security.User{user}); err == nil {
			t.Errorf("%+v may log in", user)
		}
	}
}

// An op of a quota removes it if its value is not a number.
type op struct {
	key   string
	value float64
}

// setQuota alters one entity: pairs of a type and a name, "" for the default.
func setQuota(c *call.Call, q *security.Quotas, validate bool, entity []string, ops ...op) int16 {
	req := kmsg.NewAlterClientQuotasRequest()
	req.ValidateOnly = validate
	entry := kmsg.NewAlterClientQuotasRequestEntry()
	for i := 0; i < len(entity); i += 2 {
		part := kmsg.NewAlterClientQuotasRequestEntryEntity()
		part.Type = entity[i]
		if name := entity[i+1]; name != "" {
			part.Name = &name
		}
		entry.Entity = append(entry.Entity, part)
	}
	for _, o := range ops {
		one := kmsg.NewAlterClientQuotasRequestEntryOp()
		one.Key, one.Value, one.Remove = o.key, o.value, math.IsNaN(o.value)
		entry.Ops = append(entry.Ops, one)
	}
	req.Entries = append(req.Entries, entry)
	return q.AlterClientQuotas(c, &req).(*kmsg.AlterClientQuotasResponse).Entries[0].ErrorCode
}

// A component asks for an exact name, or by one of the other match types.
type component struct {
	kind  string
	match kmsg.QuotasMatchType
	name  string
}

// quotas returns a line for each quota, and the code.
func quotas(q *security.Quotas, strict bool, components ...component) (lines []string, code int16) {
	req := kmsg.NewDescribeClientQuotasRequest()
	req.Strict = strict
	for _, c := range components {
		one := kmsg.NewDescribeClientQuotasRequestComponent()
		one.EntityType, one.MatchType = c.kind, c.match
		if c.name != "" {
			one.Match = &c.name
		}
		req.Components = append(req.Components, one)
	}
	resp := q.DescribeClientQuotas(&call.Call{}, &req).(*kmsg.DescribeClientQuotasResponse)
	for _, e := range resp.Entries {
		line := ""
		for _, part := range e.Entity {
			name := "<default>"
			if part.Name != nil {
				name = *part.Name
			}
			line += part.Type + "=" + name + " "
		}
		for _, v := range e.Values {
			line += fmt.Sprint(v.Key, ":", v.Value, " ")
		}
		lines = append(lines, line[:len(line)-1])
	}
	return lines, resp.ErrorCode
}

func TestQuotasAreFound(t *testing.T) {
	q := &security.Quotas{}
	rate := op{"producer_byte_rate", 1000}
	for _, entity := range [][]string{
		{"user", "alice"}, {"user", ""}, {"user", "alice", "client-id", "app"}, {"client-id", "app"},
		{"ip", "10.0.0.1"},
	} {
		o := rate
		if entity[0] == "ip" {
			o.key = "connection_creation_rate"
		}
		if code := setQuota(&call.Call{}, q, false, entity, o); code != 0 {
			t.Fatalf("%q: %d", entity, code)
		}
	}
	const exact, byDefault, anyName = kmsg.QuotasMatchTypeExact, kmsg.QuotasMatchTypeDefault, kmsg.QuotasMatchTypeAny
	app, both := "client-id=app producer_byte_rate:1000", "client-id=app user=alice producer_byte_rate:1000"
	alice, others := "user=alice producer_byte_rate:1000", "user=<default> producer_byte_rate:1000"
	for _, row := range []struct {
		name       string
		strict     bool
		components []component
		want       []string
	}{
		{"all", false, nil, []string{app, both, "ip=10.0.0.1 connection_creation_rate:1000", others, alice}},
		{"one user", false, []component{{"user", exact, "alice"}}, []string{both, alice}},
		{"one user, strictly", true, []component{{"user", exact, "alice"}}, []string{alice}},
		{"the default user", false, []component{{"user", byDefault, ""}}, []string{others}},
		{"any user", true, []component{{"user", anyName, ""}}, []string{others, alice}},
		{"both", true, []component{{"user", anyName, ""}, {"client-id", exact, "app"}}, []string{both}},
		{"nobody", false, []component{{"user", exact, "bob"}}, nil},
	} {
		t.Run(row.name, func(t *testing.T) {
			got, code := quotas(q, row.strict, row.components...)
			if code != 0 {
				t.Errorf("refused: %d", code)
			}
			expect(t, got, row.want...)
		})
	}
}

func TestQuotasAreAltered(t *testing.T) {
	q, alice := &security.Quotas{}, []string{"user", "alice"}
	setQuota(&call.Call{}, q, false, alice, op{"producer_byte_rate", 1}, op{"request_percentage", 2.5})
	setQuota(&call.Call{}, q, true, alice, op{"producer_byte_rate", 7})
	setQuota(refusing, q, false, alice, op{"producer_byte_rate", 8})
	got, _ := quotas(q, false)
	expect(t, got, "user=alice producer_byte_rate:1 request_percentage:2.5")

	setQuota(&call.Call{}, q, false, alice, op{"producer_byte_rate", math.NaN()}, op{"request_percentage", 3})
	got, _ = quotas(q, false)
	expect(t, got, "user=alice request_percentage:3")
	setQuota(&call.Call{}, q, false, alice, op{"request_percentage", math.NaN()}, op{"nothing", math.NaN()})
	got, _ = quotas(q, false)
	expect(t, got)
}

func TestQuotasThatAreNone(t *testing.T) {
	one := op{"producer_byte_rate", 1}
	for _, row := range []struct {
		name   string
		entity []string
		ops    []op
	}{
		{"nobody's", nil, []op{one}},
		{"of an unknown type", []string{"topic", "a"}, []op{one}},
		{"of a user twice", []string{"user", "a", "user", "b"}, []op{one}},
		{"of a user and an address", []string{"user", "a", "ip", "10.0.0.1"}, []op{one}},
		{"of no address", []string{"ip", "not an ip"}, []op{{"connection_creation_rate", 1}}},
		{"of an unknown key", []string{"user", "a"}, []op{{"speed", 1}}},
		{"of an address's key", []string{"user", "a"}, []op{{"connection_creation_rate", 1}}},
		{"of half a byte", []string{"user", "a"}, []op{{"producer_byte_rate", 1.5}}},
		{"of nought", []string{"user", "a"}, []op{{"producer_byte_rate", 0}}},
		{"below nought", []string{"user", "a"}, []op{{"request_percentage", -1}}},
		{"without end", []string{"user", "a"}, []op{{"request_percentage", math.Inf(1)}}},
		{"twice", []string{"user", "a"}, []op{one, one}},
		{"one of two", []string{"user", "a"}, []op{one, {"speed", 1}}},
	} {
		t.Run(row.name, func(t *testing.T) {
			q := &security.Quotas{}
			if code := setQuota(&call.Call{}, q, false, row.entity, row.ops...); code != kerr.InvalidRequest.Code {
				t.Errorf("got %d", code)
			}
			got, _ := quotas(q, false)
			expect(t, got)
		})
	}
	if code := setQuota(refusing, &security.Quotas{}, false, []string{"user", "a"}, one); code != 31 {
		t.Errorf("without rights: %d", code)
	}
}

func TestQuestionsAboutQuotasThatAreNone(t *testing.T) {
	const exact, byDefault = kmsg.QuotasMatchTypeExact, kmsg.QuotasMatchTypeDefault
	for _, row := range []struct {
		name       string
		components []component
		want       *kerr.Error
	}{
		{"no type", []component{{"", exact, "a"}}, kerr.InvalidRequest},
		{"an unknown type", []component{{"topic", exact, "a"}}, kerr.UnsupportedVersion},
		{"exactly nothing", []component{{"user", exact, ""}}, kerr.InvalidRequest},
		{"the default with a name", []component{{"user", byDefault, "a"}}, kerr.InvalidRequest},
		{"an unknown match", []component{{"user", 9, ""}}, kerr.InvalidRequest},
		{"a type twice", []component{{"user", exact, "a"}, {"user", exact, "b"}}, kerr.InvalidRequest},
		{"an address and a user", []component{{"ip", exact, "a"}, {"user", exact, "b"}}, kerr.InvalidRequest},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got, code := quotas(&security.Quotas{}, false, row.components...); code != row.want.Code || got != nil {
				t.Errorf("got %q, %d", got, code)
			}
		})
	}
	req := kmsg.NewDescribeClientQuotasRequest()
	resp := (&security.Quotas{}).DescribeClientQuotas(refusing, &req).(*kmsg.DescribeClientQuotasResponse)
	if resp.ErrorCode != kerr.ClusterAuthorizationFailed.Code {
		t.Errorf("without rights: %d", resp.ErrorCode)
	}
}
