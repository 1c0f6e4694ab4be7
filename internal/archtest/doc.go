// Package archtest holds the import rules of the repository, as a test that fails with the reason.
package archtest
