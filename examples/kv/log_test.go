// The log, read back from whatever a crash may have left.

package kv

import (
	"maps"
	"os"
	"testing"

	"github.com/rehearse-go/rehearse/vdisk"
)

func FuzzAnyLogOpensAndGoesOn(f *testing.F) {
	whole := encode("a", "1") + encode("b", "2")
	torn, shifted, garbled := whole[:len(whole)-1], whole[1:], whole+"\x00\x00"
	for _, text := range []string{"", "\n", "00000000  \n", whole, torn, shifted, garbled} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		disk := vdisk.New(vdisk.Config{}).Mount()
		file, err := disk.OpenFile("log", os.O_CREATE|os.O_RDWR, 0o644)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := file.Write(text); err != nil {
			t.Fatal(err)
		}
		first := reopen(t, disk)
		if err := first.put("key", "value", true); err != nil {
			t.Fatal(err)
		}
		if second := reopen(t, disk); !maps.Equal(first.data, second.data) {
			t.Errorf("the log says %q, and opened again %q", first.data, second.data)
		}
	})
}

func reopen(t *testing.T, disk FS) *log {
	t.Helper()
	l, err := openLog(disk)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.close)
	return l
}
