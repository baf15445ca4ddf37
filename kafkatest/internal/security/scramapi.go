// DescribeUserScramCredentials and AlterUserScramCredentials (KIP-554).

package security

import (
	"github.com/rehearse-go/rehearse/kafkatest/internal/call"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// DescribeUserSCRAMCredentials answers DescribeUserScramCredentials 0. Without
// names it tells of every user who has credentials.
func (u *Users) DescribeUserSCRAMCredentials(
	c *call.Call, req *kmsg.DescribeUserSCRAMCredentialsRequest,
) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.DescribeUserSCRAMCredentialsResponse)
	if !c.AllowsCluster(kmsg.ACLOperationDescribe) {
		resp.ErrorCode = kerr.ClusterAuthorizationFailed.Code
		resp.ErrorMessage = new("Cluster authorization failed.")
		return resp
	}
	names, times := u.asked(req)
	for _, name := range names {
		result := u.describe(name)
		if times[name] > 1 {
			result = kmsg.NewDescribeUserSCRAMCredentialsResponseResult()
			result.User, result.ErrorCode = name, kerr.DuplicateResource.Code
			result.ErrorMessage = new(
				"Cannot describe SCRAM credentials for the same user twice in a single request: " + name)
		}
		resp.Results = append(resp.Results, result)
	}
	return resp
}

// asked returns the names that a request is about, each once, and how often
// each was named.
func (u *Users) asked(req *kmsg.DescribeUserSCRAMCredentialsRequest) (names []string, times map[string]int) {
	times = map[string]int{}
	for _, user := range req.Users {
		if times[user.Name]++; times[user.Name] == 1 {
			names = append(names, user.Name)
		}
	}
	if len(req.Users) > 0 {
		return names, times
	}
	for _, name := range u.names() {
		if a := u.accounts[name]; a.has(ScramSHA256) || a.has(ScramSHA512) {
			names = append(names, name)
		}
	}
	return names, times
}

func (u *Users) describe(name string) kmsg.DescribeUserSCRAMCredentialsResponseResult {
	result := kmsg.NewDescribeUserSCRAMCredentialsResponseResult()
	result.User = name
	for _, m := range mechanisms {
		if a := u.accounts[name]; a != nil && a.has(m) {
			info := kmsg.NewDescribeUserSCRAMCredentialsResponseResultCredentialInfo()
			info.Mechanism, info.Iterations = int8(m), u.iterations(name, m)
			result.CredentialInfos = append(result.CredentialInfos, info)
		}
	}
	if result.CredentialInfos == nil {
		result.ErrorCode = kerr.ResourceNotFound.Code
		result.ErrorMessage = new("Attempt to describe a user credential that does not exist: " + name)
	}
	return result
}

// An alteration is what a request wants of one user.
type alteration struct {
	name    string
	refused *call.Refusal
	times   int
	apply   func()
}

// AlterUserSCRAMCredentials answers AlterUserScramCredentials 0. Each user is
// altered, or refused, on its own.
func (u *Users) AlterUserSCRAMCredentials(c *call.Call, req *kmsg.AlterUserSCRAMCredentialsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.AlterUserSCRAMCredentialsResponse)
	allowed := c.AllowsCluster(kmsg.ACLOperationAlter)
	for _, a := range u.alterations(req) {
		switch {
		case !allowed:
			a.refused = call.Refuse(kerr.ClusterAuthorizationFailed, "Cluster authorization failed.")
		case a.times > 1:
			a.refused = call.Refuse(kerr.DuplicateResource,
				"A user credential cannot be altered twice in the same request")
		}
		if a.refused == nil {
			a.apply()
		}
		result := kmsg.NewAlterUserSCRAMCredentialsResponseResult()
		result.User, result.ErrorCode, result.ErrorMessage = a.name, a.refused.Code(), a.refused.Message()
		resp.Results = append(resp.Results, result)
	}
	return resp
}

// alterations returns what is asked for, in the order in which users are named
// first.
func (u *Users) alterations(req *kmsg.AlterUserSCRAMCredentialsRequest) (all []*alteration) {
	byName := map[string]*alteration{}
	of := func(name string) *alteration {
		a := byName[name]
		if a == nil {
			a = &alteration{name: name}
			byName[name] = a
			all = append(all, a)
		}
		a.times++
		return a
	}
	for _, d := range req.Deletions {
		m := Mechanism(d.Mechanism)
		a := of(d.Name)
		a.refused, a.apply = u.refuseDeletion(d.Name, m), func() { u.remove(d.Name, m) }
	}
	for i := range req.Upsertions {
		one := &req.Upsertions[i]
		m := Mechanism(one.Mechanism)
		a := of(one.Name)
		a.refused = refuseUpsertion(one)
		a.apply = func() { u.put(one.Name, m, newCredential(m, one.Salt, one.SaltedPassword, one.Iterations)) }
	}
	return all
}

func refuseName(name string, m Mechanism) *call.Refusal {
	switch {
	case name == "":
		return call.Refuse(kerr.UnacceptableCredential, "Username must not be empty")
	case !m.known():
		return call.Refuse(kerr.UnsupportedSaslMechanism, "Unknown SCRAM mechanism")
	}
	return nil
}

func (u *Users) refuseDeletion(name string, m Mechanism) *call.Refusal {
	if refused := refuseName(name, m); refused != nil {
		return refused
	}
	if a := u.accounts[name]; a == nil || !a.has(m) {
		return call.Refuse(kerr.ResourceNotFound, "Attempt to delete a user credential that does not exist")
	}
	return nil
}

func refuseUpsertion(one *kmsg.AlterUserSCRAMCredentialsRequestUpsertion) *call.Refusal {
	if refused := refuseName(one.Name, Mechanism(one.Mechanism)); refused != nil {
		return refused
	}
	switch {
	case one.Iterations < minIterations:
		return call.Refuse(kerr.UnacceptableCredential, "Too few iterations")
	case one.Iterations > maxIterations:
		return call.Refuse(kerr.UnacceptableCredential, "Too many iterations")
	case len(one.Salt) == 0 || len(one.SaltedPassword) == 0:
		return call.Refuse(kerr.UnacceptableCredential, "Salt and salted password must not be empty")
	}
	return nil
}
