// The package's documentation.

// Package again runs one subtest of the running test binary once more, in a
// process of its own: what it prints, a panic and a hang stay there. It also
// knows how go test's -run names exactly one subtest, both ways.
//
//	r := again.Run(ctx, "TestTransfer/3:2", again.Config{Timeout: time.Minute})
//	switch {
//	case !r.Found:
//		t.Fatalf("no such subtest:\n%s", r.Output)
//	case r.Failed:
//		t.Logf("it fails again; go on by hand:  %s", again.Command("TestTransfer/3:2"))
//	}
//
// In the child [Inside] holds, so that what was started to be shrunk does not
// shrink in its turn.
package again
