// Health: whether the node can serve.

package service

import (
	"errors"

	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/rehearse-go/rehearse/commitlog"
	"github.com/rehearse-go/rehearse/commitlog/logv1"
)

// logService is the name under which health tells of the log, beside "".
var logService = logv1.Log_ServiceDesc.ServiceName

// followHealth keeps health as the node is, until the service stops or the
// node ends. A full disk does not make it unhealthy: reads go on.
func (s *Service) followHealth() {
	defer s.health.Shutdown()
	err := s.guard("health", func() error {
		s.tellHealth()
		for e := range s.config.Node.Events(s.stopping, 1) {
			if e.Kind == commitlog.LatchedUp || e.Kind == commitlog.Gap {
				s.tellHealth()
			}
		}
		return nil
	})
	if err != nil {
		s.config.Logger.Error("health is no longer followed", "err", err)
	}
}

func (s *Service) tellHealth() {
	now := grpc_health_v1.HealthCheckResponse_SERVING
	if errors.As(s.config.Node.Status().Failed, new(commitlog.Latched)) {
		now = grpc_health_v1.HealthCheckResponse_NOT_SERVING
	}
	s.health.SetServingStatus("", now)
	s.health.SetServingStatus(logService, now)
}
