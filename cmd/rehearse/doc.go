// What the command is for.

// Rehearse runs stand-ins to rehearse the bad day with, and looks at what tests
// on a virtual network left behind.
//
//	rehearse trace show FILE     the events, line by line
//	rehearse trace open FILE     one HTML page of them, in the browser
//	rehearse trace diff A B      where two runs part
//	rehearse up                  a local server of all journals of a directory, and a Kafka
//	rehearse kafka               a stand-in Kafka cluster
//	rehearse doctor kafka ADDR   why clients do not reach a Kafka cluster
//	rehearse version
//
// Data goes to standard output, talk to standard error. It exits with 0 when
// done, 1 when two runs differ or a doctor finds problems, and 2 when the
// command line or a file is bad.
package main
