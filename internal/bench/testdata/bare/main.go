// Command bare makes so many requests of a server, one after the other on one
// connection, and does nothing else: what no client in Go can be faster than.
package main

import (
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
)

func main() {
	n, err := strconv.Atoi(os.Args[2])
	for range n {
		var resp *http.Response
		if resp, err = http.Post(os.Args[1], "text/plain", strings.NewReader("{}")); err != nil {
			break
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	if err != nil {
		panic(err)
	}
}
