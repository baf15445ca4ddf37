// Compose files: Compose's loader, and what it leaves to the engine.

package deploycheck

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

// Compose says what is wrong with a compose file.
func Compose(ctx context.Context, name string) (findings []string, err error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	project, err := loader.LoadWithContext(ctx, types.ConfigDetails{
		WorkingDir:  filepath.Dir(name),
		ConfigFiles: []types.ConfigFile{{Filename: name, Content: text}},
		Environment: types.Mapping{},
	}, loader.WithDiscardEnvFiles)
	if err != nil {
		return []string{fmt.Sprintf("%s: %v", name, err)}, nil
	}
	used := map[string]bool{}
	for _, service := range project.ServiceNames() {
		s := project.Services[service]
		findings = append(findings, composeService(name+": "+service, s)...)
		for _, v := range s.Volumes {
			used[v.Source] = true
		}
	}
	for _, volume := range project.VolumeNames() {
		if !used[volume] {
			findings = append(findings, fmt.Sprintf("%s: nobody uses the volume %s", name, volume))
		}
	}
	return findings, nil
}

func composeService(where string, s types.ServiceConfig) (findings []string) {
	if s.Build == nil {
		findings = append(findings, image(where, s.Image)...)
	} else if _, err := os.Stat(filepath.Join(s.Build.Context, s.Build.Dockerfile)); err != nil {
		findings = append(findings, fmt.Sprintf("%s: its Dockerfile: %v", where, err))
	}
	for _, name := range slices.Sorted(keys(s.Environment)) {
		findings = append(findings, variable(where, name)...)
	}
	serves := s.Restart != "" && s.Restart != "no"
	if serves && (s.HealthCheck == nil || s.HealthCheck.Disable) {
		findings = append(findings, where+": nobody asks after its health")
	}
	if s.Privileged || !s.ReadOnly || !slices.Contains(s.CapDrop, "ALL") {
		findings = append(findings, where+": not confined; want read_only, cap_drop ALL, not privileged")
	}
	for other, d := range s.DependsOn {
		if d.Condition == types.ServiceConditionCompletedSuccessfully && !d.Required {
			findings = append(findings, fmt.Sprintf("%s: does without %s", where, other))
		}
	}
	return findings
}
