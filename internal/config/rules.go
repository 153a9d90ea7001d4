package config

import (
	"strconv"

	"github.com/skret/skret/internal/secret"
)

// rules reads the rules of schema, of these tables in their order: the first rule
// that is about a secret holds.
func (r *resolver) rules(tables ...*value) (all []secret.Rule) {
	for _, part := range r.parts("schema", tables...) {
		for _, v := range part.values {
			if v.get("default") != nil && v.get("required").is("true") {
				r.problemAt(v.get("default").pos, "take one of them out", "%s has both default and required", v.title())
			}
			all = append(all, r.rule(v))
		}
	}
	return all
}

func (r *resolver) rule(v *value) secret.Rule {
	one := secret.Rule{
		Name: v.name, Type: v.word, Values: v.get("values").texts(), Pattern: v.get("pattern").string(),
		MinLength: v.get("min_length").number(), Required: v.get("required").is("true"),
		Description: v.get("description").string(), Generate: v.get("generate").string(),
		File: v.get("as").is("file"), Expand: v.get("expand").is("true"), Where: r.line(v).String(),
	}
	if d := v.get("default"); d != nil {
		one.Default, one.HasDefault = d.text, true
	}
	return one
}

// cache reads what these tables say of the cache; of what several say, the first
// holds.
func (r *resolver) cache(tables ...*value) Cache {
	take := func(name, standard string) string {
		var cs []choice
		for _, t := range tables {
			cs = append(cs, r.file(t.get("cache").get(name)))
		}
		if c := r.take("cache."+name, cs...); c.given() {
			return c.text
		}
		return standard
	}
	c := Cache{Mode: take("mode", CacheOff)}
	c.TTL, _ = parseDuration(take("ttl", "10m"))
	c.MaxAge, _ = parseDuration(take("max_age", "7d"))
	return c
}

func (r *resolver) scan(top *value) Scan {
	s := top.get("scan")
	return Scan{MinLength: s.get("min_length").number(), Allow: s.get("allow").texts(), Skip: s.get("skip").texts()}
}

// string returns the text of a value that may not be there.
func (v *value) string() string {
	if v == nil {
		return ""
	}
	return v.text
}

// number returns a number that may not be there.
func (v *value) number() int {
	n, _ := strconv.Atoi(v.string())
	return n
}

// texts returns the entries of a list that may not be there.
func (v *value) texts() (all []string) {
	if v == nil {
		return nil
	}
	for _, it := range v.items {
		all = append(all, it.text)
	}
	return all
}
