// Command skret runs programs with their secrets, without a server.
package main

import (
	"context"
	"os"

	"github.com/skret/skret/internal/cli"
	"github.com/skret/skret/internal/ui"
)

func main() { os.Exit(run()) }

func run() int { return cli.Main(context.Background(), os.Args[1:], ui.Std()) }
