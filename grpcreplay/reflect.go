// Asking a service for its descriptors, and offering a recording's.

package grpcreplay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"
	reflectv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	reflectv1alpha "google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/descriptorpb"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/schema"
)

// reflectionTime is how long a service may take to tell its descriptors.
const reflectionTime = 5 * time.Second

// reflected asks a service's server reflection for the files that describe
// it: version 1, then version 1alpha.
func reflected(cc *grpc.ClientConn, service string) (*descriptorSet, error) {
	ctx, cancel := context.WithTimeout(context.Background(), reflectionTime)
	defer cancel()
	for _, method := range []string{
		reflectv1.ServerReflection_ServerReflectionInfo_FullMethodName,
		reflectv1alpha.ServerReflection_ServerReflectionInfo_FullMethodName,
	} {
		s, err := cc.NewStream(ctx, both, method)
		if err != nil {
			return nil, err
		}
		files, err := (&reflecting{stream: s, have: make(map[string]bool)}).about(service)
		if status.Code(err) == codes.Unimplemented {
			continue
		}
		return files, err
	}
	return nil, errors.New("it has no server reflection")
}

// A reflecting is a stream of questions to server reflection. The messages
// of both versions are the same on the wire.
type reflecting struct {
	stream grpc.ClientStream
	have   map[string]bool
	files  descriptorSet
}

// about returns the files that describe a service, with what they import.
func (r *reflecting) about(service string) (*descriptorSet, error) {
	wanted, err := r.ask(&reflectv1.ServerReflectionRequest{
		MessageRequest: &reflectv1.ServerReflectionRequest_FileContainingSymbol{FileContainingSymbol: service},
	})
	for err == nil && len(wanted) > 0 {
		name := wanted[0]
		wanted = wanted[1:]
		if r.have[name] {
			continue
		}
		var more []string
		more, err = r.ask(&reflectv1.ServerReflectionRequest{
			MessageRequest: &reflectv1.ServerReflectionRequest_FileByFilename{FileByFilename: name},
		})
		if _, lacks := errors.AsType[*reflectionError](err); lacks {
			err = nil // what it does not have is not needed to know the rest
		}
		wanted = append(wanted, more...)
		r.have[name] = true
	}
	r.stream.CloseSend()
	return &r.files, err
}

// ask asks one question, keeps the files of the answer, and returns what
// these import.
func (r *reflecting) ask(q *reflectv1.ServerReflectionRequest) (imports []string, err error) {
	if err := r.stream.SendMsg(q); err != nil {
		return nil, r.why(err)
	}
	var a reflectv1.ServerReflectionResponse
	if err := r.stream.RecvMsg(&a); err != nil {
		return nil, err
	}
	if e := a.GetErrorResponse(); e != nil {
		return nil, &reflectionError{e.GetErrorMessage()}
	}
	for _, b := range a.GetFileDescriptorResponse().GetFileDescriptorProto() {
		f := new(descriptorpb.FileDescriptorProto)
		if err := proto.Unmarshal(b, f); err != nil {
			return nil, fmt.Errorf("server reflection: %w", err)
		}
		if !r.have[f.GetName()] {
			r.have[f.GetName()] = true
			r.files.File = append(r.files.File, f)
			imports = append(imports, f.GetDependency()...)
		}
	}
	return imports, nil
}

// A reflectionError is what a service says that does not know what it is asked for.
type reflectionError struct{ text string }

func (e *reflectionError) Error() string { return "server reflection: " + e.text }

// why returns how the stream ended, for an error of sending on it.
func (r *reflecting) why(err error) error {
	var a reflectv1.ServerReflectionResponse
	if end := r.stream.RecvMsg(&a); end != nil {
		return end
	}
	return err
}

// extras are the services that a replaying server has beside the recording:
// reflection, by the recording's descriptors, and health, unless that is recorded.
func (s *Service) extras() []func(*grpc.Server) {
	if s.recording == nil || s.live() {
		return nil
	}
	set, services := s.recording.schema, s.recording.services()
	extras := []func(*grpc.Server){func(g *grpc.Server) {
		o := reflection.ServerOptions{Services: services, DescriptorResolver: set, ExtensionResolver: set}
		reflectv1.RegisterServerReflectionServer(g, reflection.NewServerV1(o))
		reflectv1alpha.RegisterServerReflectionServer(g, reflection.NewServer(o))
	}}
	if _, recorded := services[healthpb.Health_ServiceDesc.ServiceName]; !recorded {
		extras = append(extras, func(g *grpc.Server) {
			h := health.NewServer()
			for name := range services {
				h.SetServingStatus(name, healthpb.HealthCheckResponse_SERVING)
			}
			healthpb.RegisterHealthServer(g, h)
		})
	}
	return extras
}

// recordedServices are the services in a recording.
type recordedServices map[string]grpc.ServiceInfo

// GetServiceInfo makes them what reflection asks for.
func (r recordedServices) GetServiceInfo() map[string]grpc.ServiceInfo { return r }

// services returns the services that are called in the recording.
func (r *Recording) services() recordedServices {
	services := make(recordedServices)
	for _, c := range r.tape.Calls() {
		services[c.Service()] = grpc.ServiceInfo{}
	}
	return services
}

var _ reflection.ExtensionResolver = (*schema.Set)(nil)
