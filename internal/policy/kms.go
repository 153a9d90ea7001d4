package policy

import (
	"cmp"
	"strings"

	"github.com/skret/skret/internal/endpoint"
)

// kmsKey is a key as a configuration names it.
type kmsKey struct {
	partition, region, account string // of an ARN; else ""
	id                         string // "1234abcd-..."; "" for an alias
	alias                      string // "alias/NAME"; "" for an id
}

// parseKey reads the name of a key; ok is false for what is none.
func parseKey(name string) (k kmsKey, ok bool) {
	if arn, isARN := strings.CutPrefix(name, "arn:"); isARN {
		f := strings.Split(arn, ":")
		if len(f) != 5 || f[1] != "kms" || f[0] == "" || f[2] == "" || !isAccount(f[3]) {
			return k, false
		}
		k.partition, k.region, k.account = f[0], f[2], f[3]
		if id, isKey := strings.CutPrefix(f[4], "key/"); isKey {
			k.id = id
			return k, only(id, letters+digits+"-")
		}
		k.alias = f[4]
		return k, isAlias(f[4])
	}
	if strings.HasPrefix(name, "alias/") {
		k.alias = name
		return k, isAlias(name)
	}
	k.id = name
	return k, only(name, letters+digits+"-")
}

func isAlias(s string) bool {
	name, ok := strings.CutPrefix(s, "alias/")
	return ok && only(name, letters+digits+"/_-")
}

// keyStatement allows to use the environment's key for the parameters that are
// named. There is none for the key that AWS manages.
func (e Environment) keyStatement(a Access, parameters []string) (Statement, bool) {
	k, _ := parseKey(e.KMSKeyID) // checked before
	if e.KMSKeyID == "" || k.alias == "alias/aws/ssm" {
		return Statement{}, false
	}
	s := Statement{Effect: "Allow", Action: []string{"kms:Decrypt"}, Condition: Condition{
		"StringEquals": {"kms:ViaService": e.viaService()},
		"StringLike":   {"kms:EncryptionContext:PARAMETER_ARN": parameters},
	}}
	if a == Write {
		s.Action = append(s.Action, "kms:Encrypt", "kms:GenerateDataKey")
	}
	s.Resource = []string{e.arn("kms", cmp.Or(k.account, account(e.Account)), "key/"+cmp.Or(k.id, "*"))}
	if k.alias != "" {
		s.Condition["ForAnyValue:StringEquals"] = map[string][]string{"kms:ResourceAliases": {k.alias}}
	}
	return s, true
}

// viaService is what KMS calls Parameter Store.
func (e Environment) viaService() []string {
	const usual = "amazonaws.com"
	names := []string{"ssm." + e.Region + "." + usual}
	if suffix := endpoint.PartitionOf(e.Region).Suffix; suffix != usual {
		names = append(names, "ssm."+e.Region+"."+suffix)
	}
	return names
}
