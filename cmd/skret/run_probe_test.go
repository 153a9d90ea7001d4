package main

import (
	"bufio"
	"fmt"
	"os"
	"os/signal"
)

// probe is a program that says which signals it gets
// It reads lines, and ends with 7 at one that is "on", with 9 at the
// end of its input.
func probe() {
	got := make(chan os.Signal, 64)
	signal.Notify(got, probed()...)
	go func() {
		for sig := range got {
			fmt.Printf("got %s.\n", signalName(sig))
		}
	}()
	fmt.Printf("ready %d.\n", os.Getpid())
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		fmt.Printf("line %s.\n", lines.Text())
		if lines.Text() == "on" {
			os.Exit(7)
		}
	}
	fmt.Printf("input ended: %v\n", lines.Err())
	os.Exit(9)
}
