// Package install installs the packages on a bare Debian with a booted systemd, and lives with
// them: starts, crashes, wrong configurations, upgrades, removal. It needs root, mmdebstrap and
// systemd-nspawn, and is run by `make e2e-install`; `make e2e-upgrade` upgrades between two
// commits.
package install
