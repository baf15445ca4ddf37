// What each key of rehearse log's commands means, for help and documentation.

package main

// logDocs tells what each key is.
var logDocs = map[string]string{
	"data-dir": "where the log lies; rehearse-log, where the command was started, if not given",
	"node-name": "the node's name, which no other node has and which stays the same; the host's name if not " +
		"given",
	"bind-addr": "where other nodes gossip, by TCP and UDP; 127.0.0.1:8401 if not given, port 0 for a free one",
	"rpc-port":  "the port of clients and of Raft, at the host of --bind-addr; 8400 if not given, 0 for a free one",
	"rpc-addr":  "that host and port as one, if it is another host; it wins over --rpc-port",
	"advertise-addr": "the host by which others and certificates know this node; that of --bind-addr, or of " +
		"--rpc-addr, if not given; without it neither may be every address of this machine",
	"start-join-addrs": "--bind-addr of other nodes; one that answers is enough, and they are tried until one does",
	"bootstrap": "found a cluster, unless --data-dir holds a node of one; for one node of a cluster, " +
		"each time it is started",
	"acl-model-file": "who may do what: Casbin's model; subjects, roles, objects and actions if not given",
	"acl-policy-file": "who may do what: Casbin's policy; root may produce and consume and peer replicate, " +
		"if not given",
	"server-tls-cert-file": "the certificate that clients meet, a PEM file; without it the port is plain and " +
		"everybody may do everything",
	"server-tls-key-file": "its key, a PEM file",
	"server-tls-ca-file":  "clients must show a certificate of the authorities in this PEM file",
	"peer-tls-cert-file": "the certificate that other nodes meet, on both sides of a connection; that of " +
		"--server-tls-cert-file if not given",
	"peer-tls-key-file": "its key, a PEM file",
	"peer-tls-ca-file":  "other nodes must show a certificate of the authorities in this PEM file",
	"gossip-key-file": "encrypt gossip with the key in this file: 16, 24 or 32 bytes in base64 or hex, the same on " +
		"all nodes; gossip is plain if not given",
	"plaintext": "go without TLS beyond this machine too, where then everybody may do everything",
	"health-addr": "answer GET /healthz, /readyz and /metrics at this address, to everybody; nowhere if not " +
		"given",
	"gateway-addr":  "take and give records as JSON over HTTP at this address; nowhere if not given",
	"retain-bytes":  "the size of the log beyond which its oldest segment goes; everything is kept if not given",
	"retain-age":    "the age beyond which a segment goes, such as 168h; everything is kept if not given",
	"segment-bytes": "the size of a segment, such as 64MiB, which it is if not given",
	"remove-after": "remove a node that has not answered for so long, while most of the others do; never if not " +
		"given",
	"heartbeat":       "how often a leader tells that it lives; 100ms if not given",
	"election-ticks":  "after how many heartbeats without one there is an election; 10 if not given",
	"canonical-codes": "answer offsets outside the log with gRPC's OUT_OF_RANGE instead of 404",
	"log-level":       "how grave a thing must be to be logged: debug, info, warn or error; info if not given",
	"log-format":      "how it is logged on standard error: text or json; text if not given",
	"shutdown-timeout": "how long an end may take in which calls are finished and another node takes over; 10s if " +
		"not given",
	"leave": "when it ends, leave the cluster for good: fewer nodes decide from then on",

	"addrs": "addresses of nodes, of which one that answers is enough; 127.0.0.1:8400 if not given",
	"timeout": "how long to wait for an answer, or with records for the next of them; 10s if not " +
		"given",
	"tls-cert-file": "show this certificate, a PEM file; its common name is who asks",
	"tls-key-file":  "its key, a PEM file",
	"tls-ca-file":   "trust the authorities in this PEM file",
}
