// Metadata and statuses, between gRPC's values and the tape's.

package grpcreplay

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/rehearse-go/rehearse/grpcreplay/internal/tape"
)

// pairsOf returns metadata as pairs, sorted by key.
func pairsOf(md metadata.MD) []tape.Pair {
	n := 0
	for _, values := range md {
		n += len(values)
	}
	if n == 0 {
		return nil
	}
	pairs := make([]tape.Pair, 0, n)
	for key, values := range md {
		for _, v := range values {
			pairs = append(pairs, tape.Pair{Key: strings.ToLower(key), Value: v})
		}
	}
	slices.SortStableFunc(pairs, func(a, b tape.Pair) int { return strings.Compare(a.Key, b.Key) })
	return pairs
}

// contentType is the content-type that a call of this content-subtype has.
func contentType(subtype string) string {
	if subtype == "" {
		return "application/grpc"
	}
	return "application/grpc+" + subtype
}

// headerPairs returns a header as pairs, without the content-type that every
// call has: a recording keeps one only where it is out of the ordinary.
func headerPairs(md metadata.MD, subtype string) []tape.Pair {
	return plainType(pairsOf(md), subtype)
}

func plainType(pairs []tape.Pair, subtype string) []tape.Pair {
	return slices.DeleteFunc(pairs, func(p tape.Pair) bool {
		return p.Key == "content-type" && (p.Value == contentType(subtype) || p.Value == contentType("") ||
			subtype == "" && p.Value == contentType("proto"))
	})
}

// withType puts it back, unless there is another.
func withType(md metadata.MD, subtype string) metadata.MD {
	if len(md["content-type"]) == 0 {
		md["content-type"] = []string{contentType(subtype)}
	}
	return md
}

// detailsKey is where the details of a status travel. A recording has them in
// the status alone.
const detailsKey = "grpc-status-details-bin"

// trailerPairs returns a trailer as pairs, without the details of the status.
func trailerPairs(md metadata.MD) []tape.Pair {
	return slices.DeleteFunc(pairsOf(md), func(p tape.Pair) bool { return p.Key == detailsKey })
}

// trailerOf returns the trailer of a recorded end as a client sees it: with
// the details of the status.
func trailerOf(e *tape.Event) metadata.MD {
	md := metadataOf(e.Pairs)
	if len(e.Status.Details) > 0 {
		if b, err := proto.Marshal(grpcStatus(e.Status).Proto()); err == nil {
			md[detailsKey] = []string{string(b)}
		}
	}
	return md
}

// metadataOf returns pairs as metadata, never nil.
func metadataOf(pairs []tape.Pair) metadata.MD {
	md := make(metadata.MD, len(pairs))
	for _, p := range pairs {
		md[p.Key] = append(md[p.Key], p.Value)
	}
	return md
}

// statusOf returns how a call ended from the error its client got.
func statusOf(err error) tape.Status {
	if err == nil || err == io.EOF {
		return tape.Status{}
	}
	var grpcStatus interface{ GRPCStatus() *status.Status }
	s, ok := status.FromError(err)
	if !ok && !errors.As(err, &grpcStatus) {
		if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			return statusOf(status.FromContextError(err).Err())
		}
		return tape.Status{Code: uint32(codes.Unknown), Message: err.Error(), Plain: true}
	}
	st := tape.Status{Code: uint32(s.Code()), Message: s.Message()}
	for _, d := range s.Proto().GetDetails() {
		st.Details = append(st.Details, tape.Any{Type: d.GetTypeUrl(), Value: d.GetValue()})
	}
	return st
}

// grpcStatus returns a recorded status as gRPC's.
func grpcStatus(s tape.Status) *status.Status {
	if s.Code == 0 && s.Message == "" && len(s.Details) == 0 {
		return status.New(codes.OK, "")
	}
	p := status.New(codes.Code(s.Code), s.Message).Proto()
	for _, d := range s.Details {
		p.Details = append(p.Details, &anypb.Any{TypeUrl: d.Type, Value: d.Value})
	}
	return status.FromProto(p)
}

// errorOf returns the error that the client gets for a recorded status: nil
// for OK.
func errorOf(s tape.Status) error {
	if s.Code == 0 {
		return nil
	}
	if s.Plain {
		return errors.New(s.Message)
	}
	return grpcStatus(s).Err()
}
