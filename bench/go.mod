module github.com/rehearse-go/rehearse/bench

go 1.26.0

require (
	github.com/rehearse-go/rehearse v0.0.0
	github.com/valyala/fasthttp v1.65.0
	google.golang.org/grpc v1.85.0
	tailscale.com v1.94.0
)

require golang.org/x/sys v0.48.0 // indirect

replace github.com/rehearse-go/rehearse => ../
