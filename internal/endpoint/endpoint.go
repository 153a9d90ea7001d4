// Package endpoint knows where the services of AWS are: the host of a service
// in a region, in every partition, and which variables put another address in
// its place.
package endpoint

import (
	"cmp"
	"net/url"
	"strings"

	"github.com/skret/skret/internal/errs"
)

// A Partition is a part of AWS that knows nothing of the others.
type Partition struct {
	ID     string // as it stands in an ARN: aws, aws-cn, aws-us-gov ...
	Suffix string // of hosts: amazonaws.com
	Dual   string // of hosts that speak IPv6 too: api.aws
	prefix string // of the names of its regions
	global string // the region that signs for services without one, such as IAM
}

// partitions by the start of a region's name, the longest first. What matches
// none is the commercial one: new regions appear there.
func partitions() []Partition {
	return []Partition{
		{"aws-cn", "amazonaws.com.cn", "api.amazonwebservices.com.cn", "cn-", "cn-north-1"},
		{"aws-us-gov", "amazonaws.com", "api.aws", "us-gov-", "us-gov-west-1"},
		{"aws-eusc", "amazonaws.eu", "api.amazonwebservices.eu", "eusc-", "eusc-de-east-1"},
		{"aws-iso-b", "sc2s.sgov.gov", "api.aws.scloud", "us-isob-", "us-isob-east-1"},
		{"aws-iso-f", "csp.hci.ic.gov", "api.aws.hci.ic.gov", "us-isof-", "us-isof-south-1"},
		{"aws-iso-e", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk", "eu-isoe-", "eu-isoe-west-1"},
		{"aws-iso", "c2s.ic.gov", "api.aws.ic.gov", "us-iso-", "us-iso-east-1"},
		{"aws", "amazonaws.com", "api.aws", "", "us-east-1"},
	}
}

// PartitionOf returns the partition that a region is in.
func PartitionOf(region string) Partition {
	for _, p := range partitions() {
		if strings.HasPrefix(region, p.prefix) {
			return p
		}
	}
	return Partition{}
}

// Options choose among the addresses of a service.
type Options struct {
	Region          string
	Override        string // an address in place of the region's; "" for that
	FIPS, DualStack bool
}

// Of returns the address of a service, by the name that it has in hosts: "ssm",
// "sts", "iam" ... Its errors are of kind Config.
func Of(service string, o Options) (*url.URL, error) {
	if o.Override != "" {
		return parse(service, o.Override)
	}
	// The region becomes part of a host: nothing but a region may be in it.
	if o.Region == "" || strings.Trim(o.Region, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || strings.HasPrefix(o.Region, "-") {
		return nil, errs.New(errs.Config, "%q is not the name of a region, such as eu-west-1", o.Region)
	}
	p := PartitionOf(o.Region)
	if service == "iam" {
		return iam(p), nil
	}
	host, suffix := service, p.Suffix
	if o.DualStack {
		suffix = p.Dual
	}
	// In GovCloud the usual endpoint is the one with FIPS, except for dual-stack
	// and for Roles Anywhere.
	if o.FIPS && (p.ID != "aws-us-gov" || o.DualStack || service == "rolesanywhere") {
		host += "-fips"
	}
	return &url.URL{Scheme: "https", Host: host + "." + o.Region + "." + suffix, Path: "/"}, nil
}

// iam is the one address that IAM has in a partition.
func iam(p Partition) *url.URL {
	host := "iam." + p.Suffix
	switch p.ID {
	case "aws":
	case "aws-cn":
		host = "iam." + p.global + "." + p.Suffix
	case "aws-us-gov":
		host = "iam.us-gov." + p.Suffix
	default:
		host = "iam." + p.global + "." + p.Suffix
	}
	return &url.URL{Scheme: "https", Host: host, Path: "/"}
}

// SigningRegion returns the region that a request to the service is signed for.
func SigningRegion(service, region string) string {
	if service == "iam" {
		return PartitionOf(region).global
	}
	return region
}

// Override returns the address that the environment puts in place of a
// service's, as every AWS SDK does: AWS_ENDPOINT_URL_<SERVICE>, else
// AWS_ENDPOINT_URL, unless AWS_IGNORE_CONFIGURED_ENDPOINT_URLS is true. service
// is the SDK's name of it: "SSM", "STS", "SSO", "SSO OIDC", "IAM".
func Override(getenv func(string) string, service string) string {
	if strings.EqualFold(getenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"), "true") {
		return ""
	}
	name := strings.ToUpper(strings.ReplaceAll(service, " ", "_"))
	return cmp.Or(getenv("AWS_ENDPOINT_URL_"+name), getenv("AWS_ENDPOINT_URL"))
}

func parse(service, s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" {
		name := strings.ToUpper(strings.ReplaceAll(service, "-", "_"))
		// The text is not shown: it may hold a password.
		return nil, errs.New(errs.Config, "the endpoint of %s (AWS_ENDPOINT_URL_%[1]s, AWS_ENDPOINT_URL or endpoint_url) is not an address", name).
			WithHint("it looks like https://host:port; AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true switches it off")
	}
	if u.Path == "" {
		u.Path = "/"
	}
	return u, nil
}
