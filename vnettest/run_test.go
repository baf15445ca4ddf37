// Running tests in a bubble with a network.

package vnettest_test

import (
	"io"
	"testing"
	"time"

	"github.com/rehearse-go/rehearse/vnettest"
)

func TestAProgramTalksOverTheNetworkInVirtualTime(t *testing.T) {
	vnettest.Run(t, vnettest.Config{}, func(t *vnettest.T) {
		l, err := t.Host("api").Listen(t.Context(), "tcp", ":80")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			c, _ := l.Accept()
			time.Sleep(time.Hour) // virtual
			io.WriteString(c, "late")
			c.Close()
		}()
		c, err := t.Host("app").Dial(t.Context(), "tcp", "api:80")
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		got, err := io.ReadAll(c)
		if string(got) != "late" || err != nil || time.Since(start) != time.Hour {
			t.Errorf("read %q, %v after %v; want \"late\" after an hour", got, err, time.Since(start))
		}
	})
}
