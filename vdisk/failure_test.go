// What a sync that failed leaves, in every state.

package vdisk_test

import (
	"errors"
	"slices"
	"syscall"
	"testing"

	"github.com/rehearse-go/rehearse/rule"
	"github.com/rehearse-go/rehearse/vdisk"
)

// Of a file of two sectors x and y; the first sync fails.
var storiesOfFailure = []story{
	{"what a failed sync lost is not there", func(t *testing.T, fsys vdisk.FS) {
		f := open(t, fsys, "a")
		put(t, f, 0, letters("ab"))
		if f.Sync() == nil {
			t.Error("the sync succeeded")
		}
		put(t, f, 512, letters("c"))
	}, []string{"a=xy", "a=xc"}},
	{"nor after another sync", func(t *testing.T, fsys vdisk.FS) {
		f := open(t, fsys, "a")
		put(t, f, 0, letters("abc"))
		ok(t, errors.Join(not(f.Sync()), f.Sync()))
	}, []string{"a=xy."}},
	{"but what is written again is", func(t *testing.T, fsys vdisk.FS) {
		f := open(t, fsys, "a")
		put(t, f, 0, letters("ab"))
		ok(t, not(f.Sync()))
		put(t, f, 0, letters("a"))
		ok(t, f.Sync())
	}, []string{"a=ay"}},
	{"and so are truncations", func(t *testing.T, fsys vdisk.FS) {
		f := open(t, fsys, "a")
		ok(t, f.Truncate(0))
		put(t, f, 0, letters("a"))
		ok(t, errors.Join(not(f.Sync()), f.Sync()))
	}, []string{"a=."}},
}

func not(err error) error {
	if err == nil {
		return errors.New("no error")
	}
	return nil
}

func TestStatesAfterAFailedSync(t *testing.T) {
	for _, c := range storiesOfFailure {
		t.Run(c.name, func(t *testing.T) {
			d := vdisk.New(vdisk.Config{})
			stable(t, d.Mount(), "a", letters("xy"))
			d.Rule(rule.Then(is(vdisk.Sync).First(), vdisk.Verdict{Err: syscall.EIO}))
			c.run(t, d.Mount())
			var got []string
			for _, s := range states(t, d) {
				got = append(got, brief(s))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("states %q, want %q", got, c.want)
			}
		})
	}
}
