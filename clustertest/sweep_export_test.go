// What the tests of sweeps see of the inside.

package clustertest

// Renamed reads the name of a run of a sweep and writes it again. Told is
// whether it says what the nemeses do.
func Renamed(name string) (again string, told bool, err error) {
	s, err := parseScenario(name)
	if err != nil {
		return "", false, err
	}
	return s.String(), s.told != nil, nil
}
