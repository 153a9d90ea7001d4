package scan

import (
	"fmt"
	"path/filepath"
	"strings"
)

// sarifRoot names the folder that paths in SARIF are relative to. Its place is not
// given: it is another one wherever the file is read.
const sarifRoot = "%SRCROOT%"

const sarifHome = "https://github.com/skret/skret"

// The parts of SARIF 2.1.0 that are used, with the names that it gives them
// (https://docs.oasis-open.org/sarif/sarif/v2.1.0/).
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool struct {
			Driver sarifDriver `json:"driver"`
		} `json:"tool"`
		ColumnKind  string                   `json:"columnKind"`
		BaseIDs     map[string]sarifLocation `json:"originalUriBaseIds"`
		Invocations []sarifInvocation        `json:"invocations"`
		Results     []sarifResult            `json:"results"`
	}
	sarifDriver struct {
		Name           string      `json:"name"`
		Version        string      `json:"version"`
		InformationURI string      `json:"informationUri"`
		Rules          []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID         string         `json:"id"`
		Name       string         `json:"name"`
		Short      sarifText      `json:"shortDescription"`
		Full       sarifText      `json:"fullDescription"`
		Help       sarifText      `json:"help"`
		HelpURI    string         `json:"helpUri"`
		Defaults   sarifLevel     `json:"defaultConfiguration"`
		Properties map[string]any `json:"properties"`
	}
	sarifInvocation struct {
		Successful    bool                `json:"executionSuccessful"`
		Notifications []sarifNotification `json:"toolExecutionNotifications"`
	}
	sarifNotification struct {
		Level     string       `json:"level"`
		Message   sarifText    `json:"message"`
		Locations []sarifPlace `json:"locations,omitempty"`
	}
	sarifResult struct {
		RuleID       string            `json:"ruleId"`
		RuleIndex    int               `json:"ruleIndex"`
		Level        string            `json:"level"`
		Message      sarifText         `json:"message"`
		Locations    []sarifPlace      `json:"locations"`
		Fingerprints map[string]string `json:"partialFingerprints"`
		Properties   map[string]string `json:"properties"`
	}
	sarifPlace struct {
		Physical struct {
			Artifact sarifLocation `json:"artifactLocation"`
			Region   *sarifRegion  `json:"region,omitempty"`
		} `json:"physicalLocation"`
	}
	sarifLocation struct {
		URI         string     `json:"uri,omitempty"`
		BaseID      string     `json:"uriBaseId,omitempty"`
		Description *sarifText `json:"description,omitempty"`
	}
	sarifRegion struct {
		Line   int    `json:"startLine,omitempty"`
		Column int    `json:"startColumn,omitempty"`
		Byte   *int64 `json:"byteOffset,omitempty"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifLevel struct {
		Level string `json:"level"`
	}
)

// SARIF returns the result as a document of SARIF 2.1.0, ready for encoding/json:
// what code hosts show beside the line. version is that of skret.
func (r *Result) SARIF(version string) any {
	run := sarifRun{
		ColumnKind: "unicodeCodePoints",
		BaseIDs:    map[string]sarifLocation{sarifRoot: {Description: &sarifText{"The root of the repository, or the folder that was looked into."}}},
		Results:    []sarifResult{},
	}
	run.Tool.Driver = sarifDriver{
		Name: "skret", Version: version, InformationURI: sarifHome,
		Rules: []sarifRule{{
			ID: "leaked-secret", Name: "LeakedSecret",
			Short:      sarifText{"The value of a secret is in a file"},
			Full:       sarifText{"The value that a secret has in the environment now, or an encoding of it, is in a file that others may see."},
			Help:       sarifText{"Replace the secret's value with a new one, since this one may have been read, and take it out of the file. A place that is meant to be goes into scan.allow in .skret.yaml, by its fingerprint."},
			HelpURI:    sarifHome + "/blob/main/docs/guide/scan.md",
			Defaults:   sarifLevel{"error"},
			Properties: map[string]any{"tags": []string{"security"}, "security-severity": "9.0", "precision": "very-high"},
		}},
	}
	invocation := sarifInvocation{Successful: len(r.Problems) == 0, Notifications: []sarifNotification{}}
	for _, p := range r.Problems {
		n := sarifNotification{Level: "error", Message: sarifText{"not looked into: " + p.Why}, Locations: []sarifPlace{sarifFile(p.File)}}
		invocation.Notifications = append(invocation.Notifications, n)
	}
	for _, text := range r.Notes {
		invocation.Notifications = append(invocation.Notifications, sarifNotification{Level: "note", Message: sarifText{text}})
	}
	run.Invocations = []sarifInvocation{invocation}
	seen := map[string]int{}
	for _, f := range r.Findings {
		at := sarifFile(f.File)
		switch {
		case f.Name:
			at.Physical.Region = &sarifRegion{Line: 1} // there must be one
		case f.Binary:
			at.Physical.Region = &sarifRegion{Byte: &f.Offset}
		default:
			at.Physical.Region = &sarifRegion{Line: f.Line, Column: f.Column}
		}
		result := sarifResult{
			RuleID: "leaked-secret", Level: "error", Message: sarifText{f.Message()}, Locations: []sarifPlace{at},
			Properties: map[string]string{"fingerprint": f.Fingerprint(), "form": f.Form},
		}
		if f.Commit != "" {
			result.Properties["commit"] = f.Commit
		}
		// Findings of one fingerprint are told apart by their order.
		id := f.Fingerprint() + ":" + f.Form
		seen[id]++
		result.Fingerprints = map[string]string{"skret/v1": fmt.Sprintf("%s:%d", id, seen[id])}
		run.Results = append(run.Results, result)
	}
	return sarifLog{
		Schema:  "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
		Version: "2.1.0", Runs: []sarifRun{run},
	}
}

func sarifFile(name string) sarifPlace {
	var at sarifPlace
	at.Physical.Artifact = sarifLocation{URI: uri(name), BaseID: sarifRoot}
	if filepath.IsAbs(filepath.FromSlash(name)) { // it was named so, and is outside of the repository
		at.Physical.Artifact = sarifLocation{URI: "file:///" + uri(strings.TrimPrefix(name, "/"))}
	}
	return at
}

// uri returns a path as a relative reference of RFC 3986. Bytes that are no UTF-8
// are escaped like all others.
func uri(name string) string {
	var b strings.Builder
	for i := range len(name) {
		c := name[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~/", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
