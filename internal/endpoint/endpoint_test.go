package endpoint

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
			u, err := Of("ssm", Options{Region: c.region, FIPS: v.fips, DualStack: v.dual})
			if err != nil || u.String() != "https://"+v.want+"/" {
				t.Errorf("%s fips %v dual %v: %v %v, want %s", c.region, v.fips, v.dual, u, err, v.want)
			}
		}
	}
}

// A region becomes part of a host, to which credentials are sent.
func TestRegionCannotNameAnotherHost(t *testing.T) {
	for _, r := range []string{"", "evil.example#", "a/b", "x@host", "us-east-1.evil.example", "US-EAST-1", "-x", "us east"} {
		if u, err := Of("ssm", Options{Region: r}); errs.KindOf(err) != errs.Config {
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
		u, err := Of("ssm", Options{Region: "eu-west-1", Override: s})
		if want == "" && errs.KindOf(err) != errs.Config || want != "" && (err != nil || u.String() != want) {
			t.Errorf("%q: %v %v", s, u, err)
		}
	}
}

// IAM has one address in a partition, and a region that signs for it.
func TestIAMIsGlobal(t *testing.T) {
	for region, want := range map[string][2]string{
		"eu-west-1":      {"iam.amazonaws.com", "us-east-1"},
		"us-gov-east-1":  {"iam.us-gov.amazonaws.com", "us-gov-west-1"},
		"cn-northwest-1": {"iam.cn-north-1.amazonaws.com.cn", "cn-north-1"},
	} {
		u, err := Of("iam", Options{Region: region})
		if err != nil || u.Host != want[0] || SigningRegion("iam", region) != want[1] {
			t.Errorf("%s: %v %v, signed for %s", region, u, err, SigningRegion("iam", region))
		}
	}
	if SigningRegion("sts", "eu-west-1") != "eu-west-1" {
		t.Error("STS is signed for its region")
	}
}

func TestOverrideIsThatOfTheSDK(t *testing.T) {
	for _, c := range []struct {
		env  map[string]string
		want string
	}{
		{nil, ""},
		{map[string]string{"AWS_ENDPOINT_URL": "https://all"}, "https://all"},
		{map[string]string{"AWS_ENDPOINT_URL": "https://all", "AWS_ENDPOINT_URL_SSO_OIDC": "https://oidc"}, "https://oidc"},
		{map[string]string{"AWS_ENDPOINT_URL_SSO_OIDC": "https://oidc", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "TRUE"}, ""},
	} {
		if got := Override(func(n string) string { return c.env[n] }, "SSO OIDC"); got != c.want {
			t.Errorf("%v: %q", c.env, got)
		}
	}
}
