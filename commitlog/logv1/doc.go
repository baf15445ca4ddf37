// What the package is for, and how its code is made.

// Package logv1 is the log's service on the wire: package log.v1 of Protocol
// Buffers, service Log, as log.proto beside this file says. A client made from
// the original's description, that of "Distributed Services with Go", works
// against it.
//
//	conn, err := grpc.NewClient("127.0.0.1:8400", grpc.WithTransportCredentials(insecure.NewCredentials()))
//	if err != nil {
//		return err
//	}
//	defer conn.Close()
//	log := logv1.NewLogClient(conn)
//	made, err := log.Produce(ctx, &logv1.ProduceRequest{Record: &logv1.Record{Value: []byte("hello")}})
//	if err != nil {
//		return err
//	}
//	read, err := log.Consume(ctx, &logv1.ConsumeRequest{Offset: made.Offset})
//
// A program must not link this package together with another that was made
// from a description of log.v1: the two would register the same names, and
// package protobuf ends the program for that.
package logv1

//go:generate go -C ../../tools run ./genproto -root .. commitlog/logv1/log.proto
