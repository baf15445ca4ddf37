module example.com/switched

go 1.26.0

require (
	github.com/google/go-replayers/grpcreplay v1.5.1
	google.golang.org/grpc v1.79.3
)

require (
	github.com/rehearse-go/rehearse v0.0.0 // indirect
	golang.org/x/net v0.59.0 // indirect
	golang.org/x/sys v0.48.0 // indirect
	golang.org/x/text v0.42.0 // indirect
	google.golang.org/genproto/googleapis/rpc v0.0.0-20251202230838-ff82c1b0f217 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
)

replace github.com/google/go-replayers/grpcreplay => ../../../../compat/replace/go-replayers/grpcreplay

replace github.com/rehearse-go/rehearse => ../../../..
