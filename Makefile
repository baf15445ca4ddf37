# The short ways; .ci/run holds the steps themselves.
check:   ; .ci/run readme format vet lint
race:    ; .ci/run race nested
fuzz:    ; .ci/run fuzz
interop: ; for dir in $$(git ls-files 'interop/*go.mod' | grep -v /testdata/ | xargs -n 1 dirname); do \
	(cd $$dir && go test -tags suites -timeout 30m ./...) || exit 1; done
bench:   ; bench/run
# All storms on the replicated log, with so many seeds each: make sweep SEEDS=100000
SEEDS ?= 1000
sweep:   ; go test -v -timeout 0 -run '^TestNo.*Storm' ./commitlogtest -rehearse.seeds=$(SEEDS)

.PHONY: check race fuzz interop bench sweep
