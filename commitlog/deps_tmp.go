// Temporary: keeps the modules required while the rooms that import them are built.

package commitlog

import (
	_ "github.com/casbin/casbin/v2"
	_ "github.com/casbin/casbin/v2/model"
	_ "github.com/casbin/casbin/v2/persist/file-adapter"
	_ "github.com/hashicorp/memberlist"
	_ "github.com/hashicorp/serf/serf"
	_ "go.etcd.io/raft/v3"
	_ "google.golang.org/genproto/googleapis/rpc/errdetails"
	_ "google.golang.org/grpc"
	_ "google.golang.org/grpc/health"
	_ "google.golang.org/grpc/reflection"
)
