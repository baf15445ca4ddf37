// What every call has: an end with the service, a guard against panics, a log line.

package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	grpcstatus "google.golang.org/grpc/status"

	"github.com/rehearse-go/rehearse/commitlog"
	"github.com/rehearse-go/rehearse/commitlog/internal/status"
	"github.com/rehearse-go/rehearse/commitlog/logv1"
)

func (s *Service) unary(
	ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler,
) (answer any, err error) {
	if info.FullMethod != logv1.Log_Produce_FullMethodName {
		inner, release := s.untilStop(ctx)
		defer release()
		ctx = inner
	}
	err = s.call(ctx, info.FullMethod, func() (err error) {
		answer, err = next(ctx, req)
		return err
	})
	if err != nil {
		return nil, err
	}
	return answer, nil
}

func (s *Service) stream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	ctx := ss.Context()
	if info.FullMethod != logv1.Log_ProduceStream_FullMethodName {
		inner, release := s.untilStop(ctx)
		defer release()
		ctx, ss = inner, bounded{ss, inner}
	}
	return s.call(ctx, info.FullMethod, func() error { return next(srv, ss) })
}

// A bounded stream ends with the service too.
type bounded struct {
	grpc.ServerStream
	ctx context.Context
}

// Context returns the stream's context, which ends when the service stops.
func (b bounded) Context() context.Context { return b.ctx }

// untilStop returns a context that ends with ctx or, because of
// commitlog.ErrClosed, when the service stops. Produce is not so bounded:
// what is under way is finished.
func (s *Service) untilStop(ctx context.Context) (bound context.Context, release func()) {
	bound, cancel := context.WithCancelCause(ctx)
	detach := context.AfterFunc(s.stopping, func() { cancel(commitlog.ErrClosed) })
	return bound, func() {
		detach()
		cancel(nil)
	}
}

// call does one call, and makes its error a status.
func (s *Service) call(ctx context.Context, method string, do func() error) error {
	began := time.Now()
	err := status.ToStatus(s.guard(method, do), s.config.Canonical)
	code := grpcstatus.Code(err)
	if code == codes.Canceled && context.Cause(ctx) == commitlog.ErrClosed {
		err = status.ToStatus(commitlog.ErrClosed, s.config.Canonical)
		code = grpcstatus.Code(err)
	}
	if log := s.config.Logger; log.Enabled(ctx, slog.LevelDebug) {
		log.LogAttrs(ctx, slog.LevelDebug, "call", slog.String("id", s.id(ctx)), slog.String("method", method),
			slog.String("peer", peerOf(ctx)), slog.String("code", codeName(code)),
			slog.Duration("took", time.Since(began)), slog.Any("err", err))
	}
	return err
}

// guard does something and makes a panic an error of it.
func (s *Service) guard(what string, do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			s.config.Logger.Error("panic", "in", what, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = grpcstatus.Errorf(codes.Internal,
				"commitlog: %s has met a fault of ours; the node's log says which", what)
		}
	}()
	return do()
}

// authorize asks whether the caller may do something.
func (s *Service) authorize(ctx context.Context, action string) error {
	err := s.config.Authorize(ctx, action)
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if _, ok := grpcstatus.FromError(err); ok {
		return err
	}
	return grpcstatus.Error(codes.PermissionDenied, err.Error())
}

// idHeader is where callers give a call an id, for the log.
const idHeader = "x-request-id"

// id returns the caller's id for the call, if it is fit for a log, else a number.
func (s *Service) id(ctx context.Context) string {
	md, _ := metadata.FromIncomingContext(ctx)
	strange := func(r rune) bool { return r <= ' ' || r > '~' }
	for _, id := range md.Get(idHeader) {
		if id != "" && len(id) <= 64 && strings.IndexFunc(id, strange) < 0 {
			return id
		}
	}
	return strconv.FormatUint(s.calls.Add(1), 10)
}

func peerOf(ctx context.Context) string {
	if p, ok := peer.FromContext(ctx); ok && p.Addr != nil {
		return p.Addr.String()
	}
	return ""
}

// codeName returns a code's name, its number if gRPC has none for it.
func codeName(c codes.Code) string {
	if c > codes.Unauthenticated {
		return strconv.FormatUint(uint64(c), 10)
	}
	return c.String()
}

// bad returns the error of a request that makes no sense.
func bad(format string, args ...any) error {
	return grpcstatus.Errorf(codes.InvalidArgument, "commitlog: "+format, args...)
}
