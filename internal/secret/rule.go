package secret

// The types of a [Rule].
const (
	TypeString = "string" // as "": anything
	TypeInt    = "int"
	TypeBool   = "bool"
	TypeURL    = "url"
	TypeEmail  = "email"
	TypePort   = "port"
	TypeJSON   = "json"
	TypePEM    = "pem"
	TypeBase64 = "base64"
	TypeEnum   = "enum"
	TypeRegex  = "regex"
)

// Rule is what a project says of one of its secrets, in `schema:`.
type Rule struct {
	Name        string   // key or variable, as written
	Type        string   // TypeString and its kin; "" is any
	Values      []string // of an enum
	Pattern     string   // of a regex, which the whole value must match
	MinLength   int      // in bytes
	Required    bool     // as in `required:`
	Description string
	Default     string // used where the secret is not in the store; it is no secret, being in the configuration
	HasDefault  bool
	Generate    string // how a value is made: see [ParseGenerator]; "" is not said
	File        bool   // `as: file`: the variable holds the path of a file with the value
	Expand      bool   // ${KEY} in the value stands for another secret of the environment
	Where       string // FILE:LINE of the configuration
}

// FindRule returns a function that finds the rule about a key: the first of several,
// and one that says nothing where there is none.
func FindRule(rules []Rule) func(k Key) Rule {
	if len(rules) == 0 {
		return func(Key) Rule { return Rule{} }
	}
	first := make(map[string]int, len(rules))
	for i, r := range rules {
		if _, again := first[r.Name]; !again {
			first[r.Name] = i
		}
	}
	return func(k Key) Rule {
		i, byKey := first[string(k)]
		if j, byName := first[k.EnvName()]; byName && (!byKey || j < i) {
			i = j
		} else if !byKey {
			return Rule{}
		}
		return rules[i]
	}
}

// Is tells whether the rule is about k.
func (r Rule) Is(k Key) bool { return r.Name == string(k) || r.Name == k.EnvName() }
