// Command hello is the least that a Go program can do: what skret's start is
// measured against.
package main

import "fmt"

func main() { fmt.Println("hello, world") }
