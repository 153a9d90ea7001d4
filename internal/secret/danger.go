package secret

import (
	"fmt"
	"strings"
	"sync"
)

// CheckEnvName returns an error unless name matches [A-Za-z_][A-Za-z0-9_]*,
// which is what POSIX calls a name and what every shell can assign.
func CheckEnvName(name string) error {
	for i := range len(name) {
		c := name[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return fmt.Errorf("%q cannot be the name of a variable", clip(name))
		}
	}
	if name == "" {
		return fmt.Errorf("%q cannot be the name of a variable", name)
	}
	return nil
}

// danger lists the variables by which a program can be made to run other code,
// read other files or talk to other hosts. A trailing * matches any rest, a
// leading one any start. Credentials such as AWS_ACCESS_KEY_ID are not here:
// to hand those to a command is what skret is for.
var danger = []struct{ why, names string }{
	{"make the dynamic loader or the C library run or read other files",
		"LD_* DYLD_* _RLD* GLIBC_TUNABLES GCONV_PATH LOCPATH NLSPATH MALLOC_TRACE RESOLV_HOST_CONF HOSTALIASES LOCALDOMAIN RES_OPTIONS GETCONF_DIR TZDIR"},
	{"make a shell run other code",
		"BASH_ENV ENV BASH_FUNC_* BASH_LOADABLES_PATH IFS PS0 PS1 PS2 PS3 PS4 PROMPT_COMMAND SHELLOPTS BASHOPTS ZDOTDIR FPATH CDPATH GLOBIGNORE INPUTRC"},
	{"change which programs and files are found", "PATH PATHEXT HOME SHELL TMPDIR TEMP TMP COMSPEC PSMODULEPATH XDG_CONFIG_HOME XDG_CONFIG_DIRS XDG_DATA_DIRS TERMINFO TERMINFO_DIRS TERMCAP"},
	{"make an interpreter run other code",
		"PYTHONSTARTUP PYTHONPATH PYTHONHOME PYTHONINSPECT PYTHONBREAKPOINT PYTHONUSERBASE PYTHONWARNINGS PERL5OPT PERL5LIB PERLLIB PERL5DB RUBYOPT RUBYLIB NODE_OPTIONS NODE_PATH NODE_EXTRA_CA_CERTS LUA_INIT* LUA_PATH* LUA_CPATH* PHPRC PHP_INI_SCAN_DIR JAVA_TOOL_OPTIONS _JAVA_OPTIONS JDK_JAVA_OPTIONS JAVA_OPTIONS CLASSPATH MAVEN_OPTS GRADLE_OPTS DOTNET_STARTUP_HOOKS DOTNET_ADDITIONAL_DEPS DOTNET_SHARED_STORE COR_* CORECLR_* ERL_AFLAGS ERL_FLAGS ERL_ZFLAGS R_PROFILE R_PROFILE_USER R_ENVIRON JULIA_LOAD_PATH TCLLIBPATH OPENSSL_CONF OPENSSL_ENGINES OPENSSL_MODULES GODEBUG GOFLAGS CARGO_HOME RUSTC RUSTC_WRAPPER RUSTFLAGS NPM_CONFIG_* YARN_RC_FILENAME PIP_CONFIG_FILE"},
	{"make git or ssh run other programs", "GIT_SSH* GIT_EXEC_PATH GIT_CONFIG* GIT_ASKPASS GIT_EDITOR GIT_SEQUENCE_EDITOR GIT_PAGER GIT_EXTERNAL_DIFF GIT_PROXY_COMMAND GIT_TEMPLATE_DIR GIT_DIR GIT_WORK_TREE SSH_ASKPASS SSH_ASKPASS_REQUIRE SSH_AUTH_SOCK SUDO_ASKPASS"},
	{"make a tool run another program", "EDITOR VISUAL PAGER MANPAGER LESSOPEN LESSCLOSE BROWSER MAKEFLAGS MAKEFILES GNUMAKEFLAGS CC CXX KUBECONFIG KUBE_EDITOR AWS_PAGER GH_PAGER GH_EDITOR"},
	{"change what skret itself trusts and where it looks", "SKRET_*"},
	{"send traffic to another host, or trust another one", "*_PROXY SSL_CERT_* CURL_CA_BUNDLE CURL_HOME REQUESTS_CA_BUNDLE GIT_SSL_* AWS_ENDPOINT_URL* AWS_CA_BUNDLE AWS_CONFIG_FILE AWS_SHARED_CREDENTIALS_FILE SSLKEYLOGFILE"},
}

// dangerIndex is the danger list, ready to be asked. It is made at the first question.
var dangerIndex = sync.OnceValue(func() (x struct {
	exact              map[string]string
	prefixes, suffixes [][2]string
}) {
	x.exact = map[string]string{}
	for _, d := range danger {
		for n := range strings.FieldsSeq(d.names) {
			if p, ok := strings.CutSuffix(n, "*"); ok {
				x.prefixes = append(x.prefixes, [2]string{p, d.why})
			} else if s, ok := strings.CutPrefix(n, "*"); ok {
				x.suffixes = append(x.suffixes, [2]string{s, d.why})
			} else {
				x.exact[n] = d.why
			}
		}
	}
	return x
})

// Dangerous returns what a variable of this name can do to the command that
// gets it, or "". Names are compared without regard to case, since some
// variables are read in lower case too (http_proxy) and Windows has no case.
func Dangerous(name string) string {
	upper, x := strings.ToUpper(name), dangerIndex()
	if why, ok := x.exact[upper]; ok {
		return why
	}
	for _, p := range x.prefixes {
		if strings.HasPrefix(upper, p[0]) {
			return p[1]
		}
	}
	for _, s := range x.suffixes {
		if strings.HasSuffix(upper, s[0]) {
			return s[1]
		}
	}
	return ""
}
