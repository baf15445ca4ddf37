// Tests of rehearse replay: what it answers, what it tells, and how it judges.

package main

import (
	"context"
	"io"
	"strings"
	"testing"

	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection/grpc_reflection_v1"
)

func TestTheExitCodeIsTheVerdict(t *testing.T) {
	file := recorded(t, "one", "two")
	for _, c := range []struct {
		asked []string
		args  []string
		code  int
		says  string
	}{
		{[]string{"two", "one"}, nil, exitDone, "answered 2 calls"},
		{[]string{"one"}, nil, exitDifferent, "1 recorded call was not made"},
		{[]string{"one"}, nil, exitDifferent, "if that is meant, give --allow-unused"},
		{[]string{"one"}, []string{"--allow-unused"}, exitDone, "answered 1 call"},
		{[]string{"one", "two", "three"}, nil, exitDifferent, "1 call had no answer in the recording"},
		{[]string{"one", "two", "one"}, []string{"--allow-unused"}, exitDifferent, "which is used up"},
		{[]string{"one", "two"}, []string{"-v"}, exitDone, "is answered by recorded call 2"},
	} {
		r := replay(t, file, c.args...)
		cc := dialGRPC(t, r.property("address"), nil)
		for _, text := range c.asked {
			ask(t, cc, text)
		}
		r.endWith(c.code)
		r.says(c.says)
	}
}

func TestACallThatNothingFitsIsToldInTheWordsOfTheCommand(t *testing.T) {
	r := replay(t, recorded(t, "one"))
	got := ask(t, dialGRPC(t, r.property("address"), nil), "eno")
	r.endWith(exitDifferent)
	if !strings.HasPrefix(got, "FailedPrecondition") {
		t.Errorf("the answer is %s", got)
	}
	r.says(`payload.body: recorded "b25l", made "ZW5v"`)
	r.says("to record it too: rehearse record --mode new")
	for _, word := range []string{"Config.", "grpcreplay"} {
		if strings.Contains(r.said.String(), word) {
			t.Errorf("it speaks of %s: %s", word, r.said.String())
		}
	}
}

func TestAReplayTellsItsHealthAndItsTypes(t *testing.T) {
	r := replay(t, recorded(t, "one"), "--allow-unused")
	defer r.end()
	cc := dialGRPC(t, r.property("address"), nil)
	for _, service := range []string{"", "grpc.testing.TestService"} {
		h, err := grpc_health_v1.NewHealthClient(cc).Check(t.Context(),
			&grpc_health_v1.HealthCheckRequest{Service: service})
		if err != nil || h.GetStatus() != grpc_health_v1.HealthCheckResponse_SERVING {
			t.Errorf("health of %q: %v, %v", service, h, err)
		}
	}
	s, err := grpc_reflection_v1.NewServerReflectionClient(cc).ServerReflectionInfo(t.Context())
	if err == nil {
		err = s.Send(&grpc_reflection_v1.ServerReflectionRequest{
			MessageRequest: &grpc_reflection_v1.ServerReflectionRequest_ListServices{},
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	answer, err := s.Recv()
	if err != nil || !strings.Contains(answer.String(), "grpc.testing.TestService") {
		t.Errorf("reflection: %v, %v", answer, err)
	}
}

func TestRulesAreHeldAgainstCalls(t *testing.T) {
	r := replay(t, recorded(t, "one", "two", "three"), "--allow-unused",
		"--rule", `grpc.testing.TestService/UnaryCall metadata.shop=acme: error RESOURCE_EXHAUSTED "no more"`,
		"--rule", "/grpc.testing.TestService/* nth=2: delay 1ms, error UNAVAILABLE",
		"--rule", "* having=nothing: cut 1")
	cc := dialGRPC(t, r.property("address"), nil)
	got := []string{ask(t, cc, "one"), ask(t, cc, "two"), ask(t, cc, "one", "shop", "acme"), ask(t, cc, "two")}
	if want := "one|Unavailable by a rule|ResourceExhausted no more|two"; strings.Join(got, "|") != want {
		t.Errorf("answers: %q, want %s", got, want)
	}
	r.end()
	r.says("note: * having=nothing: cut 1: asked")
	if strings.Contains(r.said.String(), "note: /grpc") {
		t.Errorf("it says %s", &r.said)
	}
}

func TestARecordingComesFromStandardInput(t *testing.T) {
	text := readText(t, recorded(t, "one"))
	ctx, stop := context.WithCancel(t.Context())
	stop()
	var said strings.Builder
	code := run(ctx, []string{"replay", "-"}, streams{strings.NewReader(text), io.Discard, &said})
	if code != exitDifferent || !strings.Contains(said.String(), "1 recorded call was not made") {
		t.Errorf("exit code %d: %s", code, said.String())
	}
}

func TestReplayRefusesWhatWillNotDo(t *testing.T) {
	dir := t.TempDir()
	journal := write(t, dir, "a.journal", small)
	cut := write(t, dir, "cut.replay", "RPCReplay\x04\x00\x00\x00ab")
	newer := write(t, dir, "newer.journal", "rehearse grpc recording 99\n")
	huge := write(t, dir, "huge.replay", "RPCReplay\xff\xff\xff\xff")
	good := recorded(t, "one")
	for _, c := range []struct {
		args []string
		why  string
	}{
		{[]string{}, "want rehearse replay FILE"},
		{[]string{"none.journal"}, "no such file or directory; rehearse record --to HOST:PORT -o none.journal"},
		{[]string{dir}, "is a directory, not a recording"},
		{[]string{journal}, "no known recording begins with \"rehearse journal 1"},
		{[]string{cut}, "cut.replay: byte 9"},
		{[]string{huge}, "huge.replay: byte 9"},
		{[]string{newer}, "newer.journal: line 1"},
		{[]string{write(t, dir, "empty.journal", "")}, "it is empty"},
		{[]string{good, "--pace", "-1"}, "is no factor; want a number from 0 to 1000"},
		{[]string{good, "--grace", "soon"}, "is no duration"},
		{[]string{good, "--limit-file", "10B"}, "it is larger than 10 bytes: give --limit-file"},
		{[]string{good, "--rule", "x y"}, "want METHOD"},
		{[]string{good, "--to", "x:1"}, "unknown flag: --to"},
	} {
		refused(t, c.why, append([]string{"replay"}, c.args...)...)
	}
}
