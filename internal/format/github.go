package format

import (
	"crypto/rand"
	"strings"

	"github.com/skret/skret/internal/secret"
)

// github writes NAME<<DELIMITER, the value, and the delimiter on lines of their
// own, as the files behind $GITHUB_ENV and $GITHUB_OUTPUT have it.
func github(name, value string) (text, refusal string) {
	switch {
	case listed(runnerOwn, name):
		return "", "GitHub's runner keeps this variable for itself"
	case strings.HasSuffix(value, "\r"):
		return "", "the value ends with a carriage return, which GitHub's runner drops on Windows"
	}
	end := delimiter(value, rand.Text)
	return name + "<<" + end + "\n" + value + "\n" + end + "\n", ""
}

// delimiter returns a random word that does not occur in value, so that nobody
// who chooses a value can end it early and set other variables.
func delimiter(value string, random func() string) string {
	for {
		if d := "skret_" + random(); !strings.Contains(value, d) {
			return d
		}
	}
}

// runnerOwn lists what the runner sets anew at every step, or refuses. Others
// that begin with GITHUB_, such as GITHUB_TOKEN, can be set.
const runnerOwn = "NODE_OPTIONS ACTIONS_ID_TOKEN_REQUEST_TOKEN ACTIONS_ID_TOKEN_REQUEST_URL " +
	"GITHUB_ACTION GITHUB_ACTIONS GITHUB_ACTION_PATH GITHUB_ACTION_REF GITHUB_ACTION_REPOSITORY GITHUB_ACTOR GITHUB_ACTOR_ID " +
	"GITHUB_API_URL GITHUB_BASE_REF GITHUB_ENV GITHUB_EVENT_NAME GITHUB_EVENT_PATH GITHUB_GRAPHQL_URL GITHUB_HEAD_REF GITHUB_JOB " +
	"GITHUB_OUTPUT GITHUB_PATH GITHUB_REF GITHUB_REF_NAME GITHUB_REF_PROTECTED GITHUB_REF_TYPE GITHUB_REPOSITORY " +
	"GITHUB_REPOSITORY_ID GITHUB_REPOSITORY_OWNER GITHUB_REPOSITORY_OWNER_ID GITHUB_RETENTION_DAYS GITHUB_RUN_ATTEMPT " +
	"GITHUB_RUN_ID GITHUB_RUN_NUMBER GITHUB_SERVER_URL GITHUB_SHA GITHUB_STATE GITHUB_STEP_SUMMARY GITHUB_TRIGGERING_ACTOR " +
	"GITHUB_WORKFLOW GITHUB_WORKFLOW_REF GITHUB_WORKFLOW_SHA GITHUB_WORKSPACE " +
	"RUNNER_ARCH RUNNER_DEBUG RUNNER_ENVIRONMENT RUNNER_NAME RUNNER_OS RUNNER_TEMP RUNNER_TOOL_CACHE RUNNER_TRACKING_ID RUNNER_WORKSPACE"

// Masks returns the workflow commands by which GitHub's runner hides the values
// in the log of the job: one for every line, since the log is masked line by
// line. The runner takes them from a step's stdout and stderr alike, and shows
// none of them.
func Masks(set secret.Set) []byte {
	var b strings.Builder
	seen := map[string]bool{}
	for _, v := range set {
		for line := range strings.FieldsFuncSeq(v.Value.Reveal(), func(r rune) bool { return r == '\n' || r == '\r' }) {
			// A blank at an end would keep the mask from the same words without it.
			if line = strings.TrimSpace(line); line == "" || seen[line] {
				continue
			}
			seen[line] = true
			b.WriteString("::add-mask::" + strings.ReplaceAll(line, "%", "%25") + "\n")
		}
	}
	return []byte(b.String())
}
