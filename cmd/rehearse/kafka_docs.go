// What each key of rehearse kafka's configuration means, for help, schema and documentation.

package main

// kafkaDocs tells what each key is. Keys within keys follow a dot.
var kafkaDocs = map[string]string{
	"brokers":  "how many brokers; 1 if not given",
	"first-id": "the id of the first broker; the others follow; 0 if not given",
	"racks":    "the racks of the brokers, in order",
	"listeners": "where to listen: HOST:PORT or NAME://HOST:PORT; further brokers count the port " +
		"up, port 0 takes free ones; 127.0.0.1:9092 if not given",
	"advertise": "what clients are told to connect to: HOST:PORT or NAME://HOST:PORT; what is " +
		"listened on if not given",
	"protocols":   "the security protocol of listeners with names of their own",
	"topics":      "topics that are there from the beginning, with their partitions; 1 if not given",
	"auto-create": "whether topics that clients ask for are created; true if not given",
	"settings": "broker configs, by Kafka's names; Kafka's defaults if not given, but for " +
		"group.initial.rebalance.delay.ms, which is 0",
	"version": "the version of Kafka to appear as, such as 2.8; everything that is implemented " +
		"if not given",
	"seed":  "decides every id and every chance; 1 if not given",
	"users": "who may log in, with which password",
	"sasl": "the SASL mechanisms of listeners on which one logs in; those that take a " +
		"password if not given",
	"super-users": "principals, such as User:admin, that may do everything; naming one switches " +
		"authorization on",
	"tls": "the certificates of listeners that speak TLS",
	"rules": "what is to go wrong, one line each, such as before Produce topic=orders nth=3: " +
		"error NOT_LEADER_OR_FOLLOWER",
	"journal": "write everything that happens to this file, for rehearse trace",
	"log":     "what to log on standard error: off, connections or requests; off if not given",
	"json":    "log as JSON, and connections if nothing else is asked for",
	"health":  "answer GET /healthz and /readyz at this address",
	"allow-remote": "allow addresses that other machines reach; whoever reaches one may do " +
		"everything a client may",
	"tls.cert":      "the brokers' certificate, a PEM file",
	"tls.key":       "its key, a PEM file",
	"tls.client-ca": "demand certificates of clients that this PEM file vouches for",
	"tls.self-signed": "make an authority and a certificate, and write the authority's ca.pem to this " +
		"directory",
	"topics.partitions": "how many partitions; 1 if not given",
	"topics.configs":    "topic configs, by Kafka's names",
	"listeners.name":    "what the listener is called; its security protocol if not given",
	"listeners.host":    "the host; every address of this machine if not given",
	"listeners.port":    "the port of the first broker; a free one if 0 or not given",
}
