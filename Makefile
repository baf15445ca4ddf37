# The short ways; .ci/run holds the steps themselves.
check:   ; .ci/run readme format vet lint
race:    ; .ci/run race nested
fuzz:    ; .ci/run fuzz
interop: ; cd interop && go test -tags suites -timeout 30m ./...
bench:   ; bench/run

.PHONY: check race fuzz interop bench
