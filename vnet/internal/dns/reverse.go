// Addresses as names: 1.0.0.10.in-addr.arpa.

package dns

import (
	"net/netip"
	"strconv"
	"strings"
)

// Reverse returns the address that a name under in-addr.arpa or ip6.arpa
// stands for; ok is false for every other name.
func Reverse(name string) (a netip.Addr, ok bool) {
	name = strings.ToLower(name)
	if rest, found := strings.CutSuffix(name, ".in-addr.arpa"); found {
		return reverse4(strings.Split(rest, "."))
	}
	if rest, found := strings.CutSuffix(name, ".ip6.arpa"); found {
		return reverse6(strings.Split(rest, "."))
	}
	return a, false
}

func reverse4(labels []string) (a netip.Addr, ok bool) {
	var b [4]byte
	if len(labels) != len(b) {
		return a, false
	}
	for i, l := range labels {
		n, err := strconv.ParseUint(l, 10, 8)
		if err != nil || strconv.FormatUint(n, 10) != l {
			return a, false
		}
		b[len(b)-1-i] = byte(n)
	}
	return netip.AddrFrom4(b), true
}

func reverse6(labels []string) (a netip.Addr, ok bool) {
	var b [16]byte
	if len(labels) != 2*len(b) {
		return a, false
	}
	for i, l := range labels {
		n, err := strconv.ParseUint(l, 16, 4)
		if err != nil || len(l) != 1 {
			return a, false
		}
		b[len(b)-1-i/2] |= byte(n) << (4 * (i % 2))
	}
	return netip.AddrFrom16(b), true
}
