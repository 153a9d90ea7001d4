package main

import "os"

func probed() []os.Signal { return []os.Signal{os.Interrupt} }

func signalName(sig os.Signal) string { return sig.String() }

// jobShell is for systems with jobs.
func jobShell() {}
