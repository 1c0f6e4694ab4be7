package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"strings"
	"time"

	cdx "github.com/CycloneDX/cyclonedx-go"
	spdxjson "github.com/spdx/tools-golang/json"
	"github.com/spdx/tools-golang/spdx/v2/common"
	spdx "github.com/spdx/tools-golang/spdx/v2/v2_3"
)

const author = "otelcol-facefusion authors"

// serial is a UUID that is the same for the same content.
func (p product) serial() string {
	hash := sha256.New()
	fmt.Fprintln(hash, p.name, p.version, p.date.Unix())
	for _, m := range p.modules {
		fmt.Fprintln(hash, m.purl(), m.sum)
	}
	sum := hash.Sum(nil)
	sum[6], sum[8] = sum[6]&0x0f|0x50, sum[8]&0x3f|0x80 // version 5: of a name
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

func (p product) writeCycloneDX(file *os.File) error {
	root := "pkg:golang/github.com/otelcol-facefusion/otelcol-facefusion@" + p.version
	document := cdx.NewBOM()
	document.SerialNumber = "urn:uuid:" + p.serial()
	document.Metadata = &cdx.Metadata{
		Timestamp: p.date.Format(time.RFC3339),
		Component: &cdx.Component{
			BOMRef: root, Type: cdx.ComponentTypeApplication, Name: p.name, Version: p.version, PackageURL: root,
			Licenses: &cdx.Licenses{{License: &cdx.License{ID: "Apache-2.0"}}},
		},
	}
	var components []cdx.Component
	var references []string
	for _, m := range p.modules {
		var licences cdx.Licenses
		for _, id := range m.licences {
			licences = append(licences, cdx.LicenseChoice{License: &cdx.License{ID: id}})
		}
		component := cdx.Component{BOMRef: m.purl(), Type: cdx.ComponentTypeLibrary, Name: m.path, Version: m.version, PackageURL: m.purl(), Licenses: &licences}
		if m.sum != "" {
			component.Properties = &[]cdx.Property{{Name: "go:sum", Value: m.sum}}
		}
		components = append(components, component)
		references = append(references, m.purl())
	}
	document.Components = &components
	document.Dependencies = &[]cdx.Dependency{{Ref: root, Dependencies: &references}}
	return cdx.NewBOMEncoder(file, cdx.BOMFileFormatJSON).SetPretty(true).Encode(document)
}

func (p product) writeSPDX(file *os.File) error {
	document := &spdx.Document{
		SPDXVersion: spdx.Version, DataLicense: spdx.DataLicense, SPDXIdentifier: "DOCUMENT", DocumentName: p.name + "-" + p.version,
		DocumentNamespace: "https://github.com/otelcol-facefusion/otelcol-facefusion/spdx/" + p.serial(),
		CreationInfo: &spdx.CreationInfo{
			Created:  p.date.Format(time.RFC3339),
			Creators: []common.Creator{{CreatorType: "Organization", Creator: author}, {CreatorType: "Tool", Creator: "sbom"}},
		},
		Packages: []*spdx.Package{p.spdxPackage("product", p.name, p.version, "", "Apache-2.0")},
	}
	relate := func(from, kind, to string) {
		document.Relationships = append(document.Relationships, &spdx.Relationship{
			RefA: common.MakeDocElementID("", from), RefB: common.MakeDocElementID("", to), Relationship: kind,
		})
	}
	relate("DOCUMENT", common.TypeRelationshipDescribe, "product")
	for i, m := range p.modules {
		id := fmt.Sprintf("module-%d", i)
		document.Packages = append(document.Packages, p.spdxPackage(id, m.path, m.version, m.purl(), strings.Join(m.licences, " AND ")))
		relate("product", common.TypeRelationshipDependsOn, id)
	}
	return spdxjson.Write(document, file, spdxjson.Indent("  "))
}

func (p product) spdxPackage(id, name, version, purl, licence string) *spdx.Package {
	pkg := &spdx.Package{
		PackageSPDXIdentifier: common.ElementID(id), PackageName: name, PackageVersion: version,
		PackageDownloadLocation: "NOASSERTION", PackageCopyrightText: "NOASSERTION",
		PackageLicenseConcluded: licence, PackageLicenseDeclared: licence,
	}
	if purl != "" {
		pkg.PackageExternalReferences = []*spdx.PackageExternalReference{{Category: common.CategoryPackageManager, RefType: common.TypePackageManagerPURL, Locator: purl}}
	}
	return pkg
}
