package fake

import (
	"encoding/json"
	"fmt"
	"net/http"
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
	//	hang      no answer until the client goes
	//	html      a web page of a proxy, with status 200
	//	empty     an empty reply with status 200
	//	cut       a reply that ends in the middle
	//	garbage   JSON of another shape
	//	huge      a reply without end
	//	redirect  to another address
	Do string

	Status     int // 0 means 400
	Code       string
	Message    string
	RetryAfter int // seconds; 0: no header
}

// Fault announces faults. Of several for one request the first that is left
// happens.
func (s *SSM) Fault(fs ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range fs {
		if f.Times == 0 {
			f.Times = 1
		}
		s.faults = append(s.faults, &f)
	}
}

// takeFault returns the fault of this request, or nil.
func (s *SSM) takeFault(op string) *Fault {
	for _, f := range s.faults {
		if f.Op != "" && f.Op != op || f.Times == 0 {
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

// before does the faults that come before the work. It returns whether there
// is no more to do.
func (f *Fault) before(w http.ResponseWriter, r *http.Request) bool {
	if f == nil || f.Do == "lose" {
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
		fmt.Fprint(w, `{"Parameters":{"Name":7},"Parameter":[],"Version":"x","InvalidParameters":3}`)
	case "huge":
		fmt.Fprint(w, `{"Parameters":[`)
		chunk := make([]byte, 1<<16)
		for i := range chunk {
			chunk[i] = ' '
		}
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
		reply, _ := json.Marshal(map[string]string{"__type": "com.amazonaws.ssm#" + f.Code, "Message": f.Message})
		w.WriteHeader(max(f.Status, http.StatusBadRequest))
		w.Write(reply)
	default:
		panic("fake: no fault " + f.Do)
	}
	return true
}

// after does the faults that come after the work.
func (f *Fault) after(http.ResponseWriter, *http.Request) bool {
	if f != nil && f.Do == "lose" {
		panic(http.ErrAbortHandler)
	}
	return false
}
