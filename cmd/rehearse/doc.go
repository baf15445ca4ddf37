// What the command is for.

// Rehearse runs stand-ins to rehearse the bad day with, and looks at what tests
// on a virtual network left behind.
//
//	rehearse record --to ADDR -o FILE   a proxy that records the gRPC calls that pass
//	rehearse replay FILE                a server that answers from the recording
//	rehearse kafka                      a stand-in Kafka cluster
//	rehearse log                        a replicated commit log: its nodes and its clients
//	rehearse up                         a local server of all journals of a directory, and a Kafka
//	rehearse doctor kafka ADDR          why clients do not reach a Kafka cluster
//	rehearse trace show FILE            the events of a journal or recording, line by line
//	rehearse trace open FILE            one HTML page of them, in the browser
//	rehearse trace diff A B             where two runs part
//	rehearse trace convert IN OUT       a recording in another form
//	rehearse trace scan FILE...         secrets that stand in files
//	rehearse version
//
// Data goes to standard output, talk to standard error. It exits with 0 when
// done, 1 when two runs or a service and its recording differ, a replay was not
// what was recorded, a scan finds secrets or a doctor problems, and 2 when the
// command line or a file is bad.
package main
