// Ending a service without keeping what it recorded.

package grpcreplay

// Discard ends the service as Close does, and leaves the file as it was: what
// was recorded is thrown away.
func (s *Service) Discard() error { return s.close(false) }
