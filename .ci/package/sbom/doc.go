// Command sbom writes what is linked into Go programs: a list in CycloneDX and in SPDX, and the
// text of every licence.
//
//	sbom --name otelcol-facefusion --version 0.1.0 --out FOLDER PROGRAM...
//
// It reads the programs themselves, and the modules in the cache of Go that they were built from. A
// module without a licence that is known, or with one that does not allow it, is an error: nothing
// is shipped that may not be. The output is the same for the same programs and the same
// SOURCE_DATE_EPOCH.
package main
