package fake

import (
	"bytes"
	"cmp"
	"fmt"
	"net/http"
	"strings"
)

// Fault is something that goes wrong with some requests.
type Fault struct {
	Op    string // the operation; "" for any
	Skip  int    // so many go well before
	Times int    // how often; 0 means once, -1 for ever

	// Do is what happens; "" means that the error below is the answer.
	//
	//	drop      the connection is closed, nothing is done
	//	lose      it is done, then the connection is closed
	//	late      it is done, but no answer comes until the client goes
	//	hang      nothing is done, and no answer comes until the client goes
	//	html      a web page of a proxy, with status 200
	//	empty     an empty reply with status 200
	//	cut       a reply that ends in the middle
	//	garbage   JSON of another shape
	//	huge      a reply without end
	//	redirect  to another address
	Do string

	Status     int // 0 means what the service sends with the code
	Code       string
	Message    string
	RetryAfter int // seconds; 0: no header
}

// faults are the announced faults of one server.
type faults []*Fault

// add announces faults. Of several for one request the first that is left
// happens.
func (fs *faults) add(more []Fault) {
	for _, f := range more {
		if f.Times == 0 {
			f.Times = 1
		}
		*fs = append(*fs, &f)
	}
}

// take returns the fault of this request, or nil.
func (fs faults) take(op string) *Fault {
	for _, f := range fs {
		if !isOp(op, f.Op) || f.Times == 0 {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			continue
		}
		if f.Times > 0 {
			f.Times--
		}
		return f
	}
	return nil
}

// unmet says which faults have not happened.
func (fs faults) unmet() []string {
	var left []string
	for _, f := range fs {
		if f.Times > 0 {
			left = append(left, fmt.Sprintf("%d times %s %s%s", f.Times, f.Op, f.Do, f.Code))
		}
	}
	return left
}

// isOp tells whether a recorded operation is the one that is asked about:
// "CreateToken" and "" are also "CreateToken:refresh_token".
func isOp(op, asked string) bool {
	return asked == "" || op == asked || strings.HasPrefix(op, asked+":")
}

// before does the faults that come before the work. It returns whether there
// is no more to do. refuse writes an error in the service's shape.
func (f *Fault) before(w http.ResponseWriter, r *http.Request, refuse func(*apiError)) bool {
	if f == nil || f.Do == "lose" || f.Do == "late" {
		return false
	}
	switch f.Do {
	case "drop":
		panic(http.ErrAbortHandler)
	case "hang":
		<-r.Context().Done()
	case "html":
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<html><body>Please log in to the \x1b[31mguest network</body></html>")
	case "empty":
	case "cut":
		w.Header().Set("Content-Length", "100")
		fmt.Fprint(w, `{"Parameters":[{"Name":"/`)
	case "garbage":
		fmt.Fprint(w, `{"Parameters":{"Name":7},"Parameter":[],"Version":"x","InvalidParameters":3,`+
			`"accessToken":[],"expiresIn":"x","deviceCode":7,"clientId":{},"accountList":7,"roleList":{},"roleCredentials":[],"credentialSet":{},"value":7}`)
	case "huge":
		fmt.Fprint(w, `{"Parameters":[`)
		chunk := bytes.Repeat([]byte(" "), 1<<16)
		for {
			if _, err := w.Write(chunk); err != nil {
				return true
			}
		}
	case "redirect":
		w.Header().Set("Location", "https://elsewhere.invalid/")
		w.WriteHeader(http.StatusTemporaryRedirect)
	case "":
		if f.RetryAfter > 0 {
			w.Header().Set("Retry-After", fmt.Sprint(f.RetryAfter))
		}
		e := fail(f.Code, "%s", f.Message)
		e.status = cmp.Or(f.Status, e.status)
		refuse(e)
	default:
		panic("fake: no fault " + f.Do)
	}
	return true
}

// after does the faults that come after the work.
func (f *Fault) after(r *http.Request) {
	if f == nil || f.Do != "lose" && f.Do != "late" {
		return
	}
	if f.Do == "late" {
		<-r.Context().Done()
	}
	panic(http.ErrAbortHandler)
}
