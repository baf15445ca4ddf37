// What each key of rehearse record and rehearse replay means, for help and documentation.

package main

// grpcDocs tells what each key is. Keys within keys follow a dot.
var grpcDocs = map[string]string{
	"to":      "the real service: HOST:PORT, or another target of gRPC's such as unix:/run/pay.sock",
	"output":  "the file of the recording; what is there stays until the new one is whole",
	"initial": "a file whose bytes are kept with the recording, for programs that ask for them",
	"mode": "all records everything anew; new answers from the file and adds what is not in it; once records only if " +
		"there is no file; none never asks the service; verify asks it again and tells what differs; spy answers " +
		"from the file, asks for the rest and records nothing; all if not given",
	"form": "how the file is written: text, binary, compressed or rpcreplay; by its name if not given: .bin, " +
		".bin.gz, .replay, else text",

	"tls":                      "how the real service is reached by TLS",
	"tls.on":                   "speak TLS to the real service; HTTP/2 in the clear if not given",
	"tls.ca":                   "trust the authorities in this PEM file instead of the system's; implies --tls",
	"tls.cert":                 "show this certificate, a PEM file; implies --tls",
	"tls.key":                  "its key, a PEM file",
	"tls.server-name":          "the name that the service's certificate must have; the host of --to if not given",
	"tls.insecure-skip-verify": "take any certificate: whoever sits in between may read along; implies --tls",

	"redact":         "what is kept out of the recording",
	"redact.off":     "keep everything as it is, secrets too",
	"redact.headers": "further keys of metadata whose values are secret",
	"redact.names":   "further names of fields whose values are secret",
	"redact.fields":  "further fields by full name, such as pay.v1.Card.number, whose values are secret",
	"redact.keep":    "headers, names or full names of fields that are never replaced",
	"redact.allow":   "the only keys of metadata whose values are kept; all that no rule replaces if not given",
	"redact.tokens":  "further regular expressions for secrets within text",
	"redact.no-tokens": "do not look for tokens within text; what headers and names say is secret is " +
		"replaced all the same",

	"listen": "where programs reach it: HOST:PORT, port 0 for a free one, or unix:PATH; 127.0.0.1:0 if not given",
	"allow-remote": "allow addresses that other machines reach; whoever reaches one may do everything a client " +
		"may",
	"listen-tls":             "the certificates that programs meet; HTTP/2 in the clear if not given",
	"listen-tls.cert":        "show programs this certificate, a PEM file, and speak TLS",
	"listen-tls.key":         "its key, a PEM file",
	"listen-tls.client-ca":   "demand certificates of programs that this PEM file vouches for",
	"listen-tls.self-signed": "make an authority and a certificate, and write the authority's ca.pem to this directory",

	"match":          "when two calls are the same: method and content decide",
	"match.metadata": "keys of metadata whose values must be equal too",
	"match.ignore":   "fields that do not count: by full name, or by path such as meta.*.time",

	"schema": "the types of messages, where neither the recording nor the service's reflection tells",
	"schema.descriptors": "sets of descriptors, as protoc --descriptor_set_out --include_imports or buf build -o " +
		"writes them",
	"schema.protos":   ".proto files",
	"schema.includes": "where --proto and what it imports is found; where the files lie if not given",

	"rules": "what is to go wrong, one line each, such as /pay.v1.Pay/* nth=3: delay 200ms, error UNAVAILABLE",
	"seed":  "decides every chance of rules; 1 if not given",

	"limits":         "what is refused",
	"limits.message": "the largest message; 64MiB if not given",
	"limits.file":    "the largest recording; 1GiB if not given",

	"verbose": "tell on standard error which recorded call answers which",

	"pace": "how much of the recorded time passes: 1 is as recorded, 0.5 twice as fast; 0, at once, if not " +
		"given",
	"grace":        "how long an answer waits for what it had waited for when it was recorded; 1s if not given",
	"strict":       "an answer that did not see what it had waited for is a failure; it is only told if not given",
	"allow-unused": "recorded calls that were not made are no failure",
}
