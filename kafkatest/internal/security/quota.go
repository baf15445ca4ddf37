// Client quotas: which there are, and whom each is for.

package security

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"net/netip"
	"slices"
	"strings"
)

// The types of entities that have quotas.
const (
	quotaUser   = "user"
	quotaClient = "client-id"
	quotaIP     = "ip"
)

// A part of a quota's entity. Without a name it stands for all that have no
// quota of their own.
type part struct {
	kind    string
	name    string
	isNamed bool
}

func (p part) compare(q part) int {
	named := 0
	if p.isNamed != q.isNamed {
		named = 1
		if q.isNamed {
			named = -1
		}
	}
	return cmp.Or(cmp.Compare(p.kind, q.kind), named, cmp.Compare(p.name, q.name))
}

// An entity is who a quota is for: a user, a client id, both, or an address.
// Its parts are sorted.
type entity []part

func (e entity) compare(f entity) int { return slices.CompareFunc(e, f, part.compare) }

func (e entity) has(kind string) (part, bool) {
	for _, p := range e {
		if p.kind == kind {
			return p, true
		}
	}
	return part{}, false
}

// A quota is what an entity may use.
type quota struct {
	entity entity
	values map[string]float64
}

// Quotas stores client quotas (KIP-546). Nothing is throttled by them. The
// zero value has none.
type Quotas struct {
	byEntity map[string]quota
}

// key names an entity.
func (e entity) key() string {
	var b []byte
	for _, p := range e {
		b = fmt.Appendf(b, "%q %t %q,", p.kind, p.isNamed, p.name)
	}
	return string(b)
}

// set changes a value of an entity; nil removes it.
func (q *Quotas) set(e entity, key string, value *float64) {
	name := e.key()
	x, has := q.byEntity[name]
	if value == nil {
		delete(x.values, key)
		if len(x.values) == 0 {
			delete(q.byEntity, name)
		}
		return
	}
	if q.byEntity == nil {
		q.byEntity = map[string]quota{}
	}
	if !has {
		x = quota{e, map[string]float64{}}
		q.byEntity[name] = x
	}
	x.values[key] = *value
}

// all returns the quotas, sorted by entity.
func (q *Quotas) all() []quota {
	return slices.SortedFunc(maps.Values(q.byEntity), func(a, b quota) int { return a.entity.compare(b.entity) })
}

// keys returns the sorted keys of a quota.
func (x quota) keys() []string { return slices.Sorted(maps.Keys(x.values)) }

// isWhole tells for each key of a quota whether it must be a whole number.
type isWhole map[string]bool

var (
	clientKeys = isWhole{
		"producer_byte_rate": true, "consumer_byte_rate": true,
		"request_percentage": false, "controller_mutation_rate": false,
	}
	ipKeys = isWhole{"connection_creation_rate": true}
)

// keysOf returns which keys an entity may have, or says why there can be no
// such entity.
func (e entity) keysOf() (keys isWhole, fault string) {
	for i, p := range e {
		switch {
		case p.kind != quotaUser && p.kind != quotaClient && p.kind != quotaIP:
			return nil, "Unhandled client quota entity type: " + p.kind
		case i > 0 && e[i-1].kind == p.kind:
			return nil, "Invalid client quota entity, duplicate entity entry " + p.kind
		case p.isNamed && p.name == "":
			return nil, "Empty " + p.kind + " not supported"
		}
	}
	ip, hasIP := e.has(quotaIP)
	switch {
	case len(e) == 0 || hasIP && len(e) > 1:
		return nil, "Invalid empty client quota entity"
	case !hasIP:
		return clientKeys, ""
	case ip.isNamed && !isAddress(ip.name):
		return nil, ip.name + " is not a valid IP or resolvable host."
	}
	return ipKeys, ""
}

// isAddress reports whether s is an IP address, or the one name that needs no
// resolver.
func isAddress(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil || strings.EqualFold(s, "localhost")
}

// epsilon is how far from a whole number Kafka lets one be.
const epsilon = 1e-6

// faultOf says what is wrong with a value, "" if nothing is.
func (k isWhole) faultOf(key string, value float64) string {
	whole, known := k[key]
	switch {
	case !known:
		return "Invalid configuration key " + key
	case math.IsNaN(value) || math.IsInf(value, 0) || value <= 0:
		return "Quota " + key + " must be greater than 0"
	case whole && math.Abs(math.Floor(value+epsilon)-value) > epsilon:
		return "Configuration " + key + " must be a Long value"
	}
	return ""
}
