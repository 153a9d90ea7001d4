package anywhere

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/skret/skret/internal/endpoint"
	"github.com/skret/skret/internal/errs"
)

const (
	letters  = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	digits   = "0123456789"
	idChars  = letters + digits + "-"
	iamChars = letters + digits + "_+=,.@-" // of the names of roles and sessions
)

// arn is the parts of an ARN that say where something is.
type arn struct{ partition, region, account string }

// check returns the region to ask, or an error that says all that is wrong.
func (o *Options) check() (region string, err error) {
	var wrong []string
	problem := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }

	anchor, ok1 := parse(o.TrustAnchorARN, "rolesanywhere", "trust-anchor")
	if !ok1 {
		problem("the trust anchor's ARN is not of the form arn:aws:rolesanywhere:REGION:ACCOUNT:trust-anchor/ID")
	}
	profile, ok2 := parse(o.ProfileARN, "rolesanywhere", "profile")
	if !ok2 {
		problem("the profile's ARN is not of the form arn:aws:rolesanywhere:REGION:ACCOUNT:profile/ID")
	}
	role, ok3 := parse(o.RoleARN, "iam", "role")
	if !ok3 {
		problem("the role's ARN is not of the form arn:aws:iam::ACCOUNT:role/NAME")
	}
	if ok1 && ok2 && anchor != profile {
		problem("the profile (%s) and the trust anchor (%s) must be of the same partition, region and account", profile, anchor)
	}
	if ok1 && ok3 && (role.partition != anchor.partition || role.account != anchor.account) {
		problem("the role (%s) and the trust anchor (%s) must be of the same partition and account", role, anchor)
	}
	region = cmp.Or(o.Region, anchor.region)
	if ok1 && region != anchor.region {
		problem("the region is %q, and the trust anchor is in %s", region, anchor.region)
	}
	if ok1 && endpoint.PartitionOf(anchor.region).ID != anchor.partition {
		problem("the region %s is not of the partition %s", anchor.region, anchor.partition)
	}

	if n := len(o.SessionName); n > 0 && (n < 2 || n > 64 || strings.Trim(o.SessionName, iamChars) != "") {
		problem("the session's name must have 2 to 64 letters, digits or any of _+=,.@-")
	}
	if o.Duration < 15*time.Minute || o.Duration > 12*time.Hour {
		problem("the duration is %s, and may be 15m to 12h", o.Duration)
	}
	if o.Certificate == "" {
		problem("no file of a certificate is named")
	}
	for _, name := range slices.Compact([]string{o.Certificate, o.PrivateKey, o.Chain}) {
		if name != "" && !filepath.IsAbs(name) {
			problem("the file %q must be named in full, from the root", name)
		}
	}
	if len(wrong) > 0 {
		return "", errs.New(errs.Invalid, "roles anywhere: %s", strings.Join(wrong, "; ")).
			WithHint("aws rolesanywhere list-trust-anchors and list-profiles show the ARNs")
	}
	return region, nil
}

// parse takes an ARN apart whose resource is kind/ID.
func parse(s, service, kind string) (arn, bool) {
	part := strings.SplitN(s, ":", 6)
	if len(part) != 6 || part[0] != "arn" || part[2] != service {
		return arn{}, false
	}
	a := arn{partition: part[1], region: part[3], account: part[4]}
	id, ok := strings.CutPrefix(part[5], kind+"/")
	chars := idChars
	if service == "iam" {
		chars = iamChars + "/" // a role may have a path
	}
	ok = ok && id != "" && strings.Trim(id, chars) == "" &&
		strings.HasPrefix(a.partition, "aws") && strings.Trim(a.partition, idChars) == "" &&
		len(a.account) == 12 && strings.Trim(a.account, digits) == "" &&
		(a.region == "") == (service == "iam") && strings.Trim(a.region, idChars) == ""
	return a, ok
}

// String names the place.
func (a arn) String() string {
	if a.region == "" {
		return fmt.Sprintf("%s, account %s", a.partition, a.account)
	}
	return fmt.Sprintf("%s, %s, account %s", a.partition, a.region, a.account)
}
