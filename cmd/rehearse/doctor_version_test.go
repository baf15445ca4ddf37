// Tests of guessing a version: each release is taken for itself.

package main

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

func TestEachReleaseIsTakenForItself(t *testing.T) {
	releases := kversion.VersionStrings()
	for i, release := range releases[:len(releases)-1] {
		if len(news(kversion.FromString(release), kversion.FromString(releases[i+1]))) == 0 {
			continue // it serves what the one before it served
		}
		r := kmsg.NewPtrApiVersionsResponse()
		kversion.FromString(release).EachMaxKeyVersion(func(key, highest int16) {
			k := kmsg.NewApiVersionsResponseApiKey()
			k.ApiKey, k.MaxVersion = key, highest
			r.ApiKeys = append(r.ApiKeys, k)
		})
		if got := guess(r); got != "like "+release {
			t.Errorf("%s is taken for %s", release, got)
		}
	}
	if got, want := guess(kmsg.NewPtrApiVersionsResponse()), "like v0.8.0 or older"; got != want {
		t.Errorf("a broker that serves nothing is %s, want %s", got, want)
	}
}
