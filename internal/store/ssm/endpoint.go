package ssm

import (
	"net/url"
	"strings"

	"github.com/skret/skret/internal/errs"
)

// partition is a part of AWS that knows nothing of the others.
type partition struct{ id, prefix, suffix, dual string }

// partitions by the start of a region's name, the longest first. What matches
// none is the commercial one: new regions appear there.
func partitions() []partition {
	return []partition{
		{"aws-cn", "cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn"},
		{"aws-us-gov", "us-gov-", "amazonaws.com", "api.aws"},
		{"aws-eusc", "eusc-", "amazonaws.eu", "api.amazonwebservices.eu"},
		{"aws-iso-b", "us-isob-", "sc2s.sgov.gov", "api.aws.scloud"},
		{"aws-iso-f", "us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov"},
		{"aws-iso-e", "eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"},
		{"aws-iso", "us-iso-", "c2s.ic.gov", "api.aws.ic.gov"},
		{"aws", "", "amazonaws.com", "api.aws"},
	}
}

func partitionOf(region string) partition {
	for _, p := range partitions() {
		if strings.HasPrefix(region, p.prefix) {
			return p
		}
	}
	return partition{}
}

// endpoint returns the URL that requests go to.
func endpoint(o Options) (*url.URL, error) {
	if o.Endpoint != "" {
		return parseEndpoint(o.Endpoint)
	}
	// The region becomes part of a host: nothing but a region may be in it.
	if o.Region == "" || strings.Trim(o.Region, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || strings.HasPrefix(o.Region, "-") {
		return nil, errs.New(errs.Config, "%q is not the name of a region, such as eu-west-1", o.Region)
	}
	p := partitionOf(o.Region)
	host, suffix := "ssm", p.suffix
	if o.DualStack {
		suffix = p.dual
	}
	// In GovCloud the usual endpoint is the one with FIPS, except for dual-stack.
	if o.FIPS && (p.id != "aws-us-gov" || o.DualStack) {
		host = "ssm-fips"
	}
	return &url.URL{Scheme: "https", Host: host + "." + o.Region + "." + suffix, Path: "/"}, nil
}

func parseEndpoint(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" {
		// The text is not shown: it may hold a password.
		return nil, errs.New(errs.Config, "the endpoint of SSM (AWS_ENDPOINT_URL_SSM, AWS_ENDPOINT_URL or endpoint_url) is not an address").
			WithHint("it looks like https://host:port; AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true switches it off")
	}
	if u.Path == "" {
		u.Path = "/"
	}
	return u, nil
}
