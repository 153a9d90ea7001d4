package ssm

import (
	"testing"

	"github.com/skret/skret/internal/errs"
)

// The expectations are those of the rules in the SDK's service/ssm v1.82.0.
func TestEndpoints(t *testing.T) {
	for _, c := range []struct{ region, plain, fips, dual, both string }{
		{"eu-west-1", "ssm.eu-west-1.amazonaws.com", "ssm-fips.eu-west-1.amazonaws.com", "ssm.eu-west-1.api.aws", "ssm-fips.eu-west-1.api.aws"},
		{"mx-central-1", "ssm.mx-central-1.amazonaws.com", "ssm-fips.mx-central-1.amazonaws.com", "ssm.mx-central-1.api.aws", "ssm-fips.mx-central-1.api.aws"},
		{"zz-new-9", "ssm.zz-new-9.amazonaws.com", "ssm-fips.zz-new-9.amazonaws.com", "ssm.zz-new-9.api.aws", "ssm-fips.zz-new-9.api.aws"},
		{"cn-north-1", "ssm.cn-north-1.amazonaws.com.cn", "ssm-fips.cn-north-1.amazonaws.com.cn", "ssm.cn-north-1.api.amazonwebservices.com.cn", "ssm-fips.cn-north-1.api.amazonwebservices.com.cn"},
		{"us-gov-west-1", "ssm.us-gov-west-1.amazonaws.com", "ssm.us-gov-west-1.amazonaws.com", "ssm.us-gov-west-1.api.aws", "ssm-fips.us-gov-west-1.api.aws"},
		{"eusc-de-east-1", "ssm.eusc-de-east-1.amazonaws.eu", "ssm-fips.eusc-de-east-1.amazonaws.eu", "ssm.eusc-de-east-1.api.amazonwebservices.eu", "ssm-fips.eusc-de-east-1.api.amazonwebservices.eu"},
		{"us-iso-east-1", "ssm.us-iso-east-1.c2s.ic.gov", "ssm-fips.us-iso-east-1.c2s.ic.gov", "ssm.us-iso-east-1.api.aws.ic.gov", "ssm-fips.us-iso-east-1.api.aws.ic.gov"},
		{"us-isob-east-1", "ssm.us-isob-east-1.sc2s.sgov.gov", "ssm-fips.us-isob-east-1.sc2s.sgov.gov", "ssm.us-isob-east-1.api.aws.scloud", "ssm-fips.us-isob-east-1.api.aws.scloud"},
		{"eu-isoe-west-1", "ssm.eu-isoe-west-1.cloud.adc-e.uk", "ssm-fips.eu-isoe-west-1.cloud.adc-e.uk", "ssm.eu-isoe-west-1.api.cloud-aws.adc-e.uk", "ssm-fips.eu-isoe-west-1.api.cloud-aws.adc-e.uk"},
		{"us-isof-south-1", "ssm.us-isof-south-1.csp.hci.ic.gov", "ssm-fips.us-isof-south-1.csp.hci.ic.gov", "ssm.us-isof-south-1.api.aws.hci.ic.gov", "ssm-fips.us-isof-south-1.api.aws.hci.ic.gov"},
	} {
		for _, v := range []struct {
			fips, dual bool
			want       string
		}{{false, false, c.plain}, {true, false, c.fips}, {false, true, c.dual}, {true, true, c.both}} {
			u, err := endpoint(Options{Region: c.region, FIPS: v.fips, DualStack: v.dual})
			if err != nil || u.String() != "https://"+v.want+"/" {
				t.Errorf("%s fips %v dual %v: %v %v, want %s", c.region, v.fips, v.dual, u, err, v.want)
			}
		}
	}
}

// A region becomes part of a host, to which credentials are sent.
func TestRegionCannotNameAnotherHost(t *testing.T) {
	for _, r := range []string{"", "evil.example#", "a/b", "x@host", "us-east-1.evil.example", "US-EAST-1", "-x", "us east"} {
		if u, err := endpoint(Options{Region: r}); errs.KindOf(err) != errs.Config {
			t.Errorf("%q: %v %v", r, u, err)
		}
	}
}

func TestConfiguredEndpoint(t *testing.T) {
	for s, want := range map[string]string{
		"https://vpce-1.ssm.eu-west-1.vpce.amazonaws.com": "https://vpce-1.ssm.eu-west-1.vpce.amazonaws.com/",
		"http://127.0.0.1:4566/base":                      "http://127.0.0.1:4566/base",
		"http://u:hunter2@host":                           "",
		"host":                                            "", "file:///etc/passwd": "", "https://": "", "https://h/?a=b": "", "%": "",
	} {
		u, err := endpoint(Options{Region: "eu-west-1", Endpoint: s})
		if want == "" && errs.KindOf(err) != errs.Config || want != "" && (err != nil || u.String() != want) {
			t.Errorf("%q: %v %v", s, u, err)
		}
	}
}
