// What the package is for.

// Package service is the log's gRPC service, log.v1.Log, on any [Node]: with
// health, reflection, metrics and a log line for each call.
//
//	s := service.New(service.Config{Node: node, Authorize: policy.Ask})
//	go s.Serve(listener)
//	...
//	s.Stop(ctx)
//
// Whom it answers: Produce and ProduceStream ask Config.Authorize for the
// action "produce", Consume and ConsumeStream for "consume", for each message
// of a stream anew. What tells of the cluster and not of its records
// (GetServers, Status, Watch, Wait) asks for "", an identity and no more.
// Health and reflection ask nobody.
//
// What it holds in memory, beside gRPC's own windows: of a stream of producers
// at most 4 MiB and 256 requests that are under way, and one more; of a stream of consumers
// one piece of the log. Who does not read is not read for.
//
// A panic in a call ends that call, with Internal, and is logged.
package service
