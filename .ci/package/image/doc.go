// Command image builds the container images as an OCI layout, without a daemon and without a
// registry: a base of a few Debian packages, and on it the programs and their configuration.
//
//	image --base FOLDER --programs FOLDER --config FOLDER --arch amd64 --version V --sbom FILE --out FOLDER
//
// Two images are added to the layout: the plain one, and one whose program has file capabilities,
// for a pod that adds the two to a user that is not root. The SBOM refers to each. The same input
// gives the same bytes.
package main
