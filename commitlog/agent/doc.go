// What the package is for.

// Package agent runs a node of a replicated commit log as a service: gRPC and
// Raft on one port, discovery by Serf, mutual TLS, and rules who may do what.
//
//	a, err := agent.New(agent.Config{Name: "n0", Bootstrap: true})
//	if err != nil {
//		log.Fatal(err)
//	}
//	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
//	defer stop()
//	if err := a.Run(ctx); err != nil {
//		log.Fatal(err)
//	}
//
// The service is log.v1.Log (package logv1). Clients are package client, or
// whatever was generated from the service's proto in any language.
package agent
