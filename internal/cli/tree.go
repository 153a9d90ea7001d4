package cli

import (
	"bufio"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/skret/skret/internal/ui"
)

// Tree returns the tree of commands, as documentation is made from it. Its
// commands have no streams and are not to be run.
func Tree() *cobra.Command {
	nothing := &ui.Streams{In: strings.NewReader(""), Out: bufio.NewWriter(io.Discard), Err: io.Discard}
	return newRoot(&app{streams: nothing}, nil)
}
