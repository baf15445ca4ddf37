// Flags of the command, as containers set them.

package deploycheck

import (
	"fmt"
	"slices"
	"strings"
)

// prefix is what the variables of "rehearse log serve" begin with.
const prefix = "REHEARSE_LOG_"

// flags are those of "rehearse log serve".
var flags = strings.Fields(`config-file data-dir node-name bind-addr rpc-port advertise-addr start-join-addrs bootstrap
	acl-model-file acl-policy-file server-tls-cert-file server-tls-key-file server-tls-ca-file
	peer-tls-cert-file peer-tls-key-file peer-tls-ca-file gossip-key-file health-addr
	retain-bytes retain-age segment-bytes rpc-addr plaintext gateway-addr remove-after heartbeat election-ticks
	canonical-codes log-level log-format shutdown-timeout leave`)

// variable complains unless a variable is no flag's, or one of the flags'.
func variable(where, name string) []string {
	flag, ours := strings.CutPrefix(name, prefix)
	flag = strings.ReplaceAll(strings.ToLower(flag), "_", "-")
	if !ours || slices.Contains(flags, flag) {
		return nil
	}
	return []string{fmt.Sprintf("%s: %s is set, and the command has no flag --%s", where, name, flag)}
}

// image complains unless an image is named as one that is built here or comes
// from wherever the engine looks first: without a host, not the latest.
func image(where, name string) []string {
	first, _, path := strings.Cut(name, "/")
	if path && strings.ContainsAny(first, ".:") || path && first == "localhost" {
		return []string{fmt.Sprintf("%s: the image %s names its host; leave that to the engine", where, name)}
	}
	if strings.HasSuffix(name, ":latest") {
		return []string{fmt.Sprintf("%s: the image %s changes under one's feet; name a version", where, name)}
	}
	return nil
}
