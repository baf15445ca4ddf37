// The drop-ins' API, held against the originals'.

package rpcreplay_test

import (
	"reflect"
	"testing"

	theirrpc "cloud.google.com/go/rpcreplay"
	theirgrpc "github.com/google/go-replayers/grpcreplay"

	ourgrpc "github.com/rehearse-go/rehearse/compat/grpcreplay"
	ourrpc "github.com/rehearse-go/rehearse/compat/rpcreplay"
)

func TestTheDropInsHaveWhatTheOriginalsHave(t *testing.T) {
	for _, pair := range [][2]reflect.Type{
		{reflect.TypeFor[*theirrpc.Recorder](), reflect.TypeFor[*ourrpc.Recorder]()},
		{reflect.TypeFor[*theirrpc.Replayer](), reflect.TypeFor[*ourrpc.Replayer]()},
		{reflect.TypeFor[*theirgrpc.Recorder](), reflect.TypeFor[*ourgrpc.Recorder]()},
		{reflect.TypeFor[*theirgrpc.Replayer](), reflect.TypeFor[*ourgrpc.Replayer]()},
		{reflect.TypeFor[*theirgrpc.RecorderOptions](), reflect.TypeFor[*ourgrpc.RecorderOptions]()},
		{reflect.TypeFor[*theirgrpc.ReplayerOptions](), reflect.TypeFor[*ourgrpc.ReplayerOptions]()},
	} {
		theirs, ours := pair[0], pair[1]
		for i := range theirs.NumMethod() {
			m := theirs.Method(i)
			if own, ok := ours.MethodByName(m.Name); !ok || !sameFunc(m.Type, own.Type) {
				t.Errorf("%v has no %s of type %v", ours, m.Name, m.Type)
			}
		}
		for _, f := range reflect.VisibleFields(theirs.Elem()) {
			if own, ok := ours.Elem().FieldByName(f.Name); f.IsExported() && (!ok || own.Type != f.Type) {
				t.Errorf("%v has no %s of type %v", ours, f.Name, f.Type)
			}
		}
	}
}

// sameFunc tells whether two methods are the same but for their receivers.
func sameFunc(a, b reflect.Type) bool {
	if a.NumIn() != b.NumIn() || a.NumOut() != b.NumOut() || a.IsVariadic() != b.IsVariadic() {
		return false
	}
	for i := range a.NumIn() - 1 {
		if a.In(i+1) != b.In(i+1) {
			return false
		}
	}
	for i := range a.NumOut() {
		if a.Out(i) != b.Out(i) {
			return false
		}
	}
	return true
}

// The functions: each of ours is used where one of theirs fits.
func TestTheFunctionsAreTheSame(t *testing.T) {
	for _, pair := range [][2]any{
		{theirrpc.Fprint, ourrpc.Fprint}, {theirrpc.FprintReader, ourrpc.FprintReader},
		{theirgrpc.Fprint, ourgrpc.Fprint}, {theirgrpc.FprintReader, ourgrpc.FprintReader},
		{theirrpc.NewRecorder, ourrpc.NewRecorder}, {theirrpc.NewRecorderWriter, ourrpc.NewRecorderWriter},
		{theirrpc.NewReplayer, ourrpc.NewReplayer}, {theirrpc.NewReplayerReader, ourrpc.NewReplayerReader},
		{theirgrpc.NewRecorder, ourgrpc.NewRecorder}, {theirgrpc.NewRecorderWriter, ourgrpc.NewRecorderWriter},
		{theirgrpc.NewReplayer, ourgrpc.NewReplayer}, {theirgrpc.NewReplayerReader, ourgrpc.NewReplayerReader},
	} {
		theirs, ours := reflect.TypeOf(pair[0]), reflect.TypeOf(pair[1])
		if a, b := shapeOf(theirs), shapeOf(ours); !reflect.DeepEqual(a, b) {
			t.Errorf("a function of type %v stands in for one of type %v", ours, theirs)
		}
	}
}

// shapeOf names the types of a function, each without its package where that
// is an original or a drop-in: those bear the same names.
func shapeOf(f reflect.Type) (names []string) {
	for i := range f.NumIn() {
		names = append(names, "in "+f.In(i).String())
	}
	for i := range f.NumOut() {
		names = append(names, "out "+f.Out(i).String())
	}
	return names
}
