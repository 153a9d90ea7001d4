package run

import (
	"bytes"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// reapOrphans has the first process of a container do what is its duty: orphans
// that end are its children, and stay as zombies until it waits for them. One
// that is a zombie at two looks in a row is an orphan: what we started ourselves
// has somebody who waits for it. stop ends that.
func reapOrphans() (stop func()) {
	quit := make(chan struct{})
	go func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		seen := map[int]bool{}
		for {
			select {
			case <-quit:
				return
			case <-tick.C:
			}
			now := map[int]bool{}
			for _, pid := range zombies() {
				if seen[pid] {
					_, _ = unix.Wait4(pid, nil, unix.WNOHANG, nil)
				}
				now[pid] = true
			}
			seen = now
		}
	}()
	return func() { close(quit) }
}

// zombies returns our children that have ended and were not waited for.
func zombies() (pids []int) {
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		stat, _ := os.ReadFile("/proc/" + e.Name() + "/stat")
		// 4711 (name) Z 1 ...; the name may hold anything
		if f := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:]); len(f) > 1 && string(f[0]) == "Z" && string(f[1]) == strconv.Itoa(os.Getpid()) {
			pids = append(pids, pid)
		}
	}
	return pids
}
