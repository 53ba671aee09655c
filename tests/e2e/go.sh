#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A static Go program with many goroutines, timers, child processes and files.
. "$(dirname "$0")/lib.sh"
GO=$(command -v go || ls /usr/lib/go-*/bin/go 2>/dev/null | head -1) || true
[ -n "$GO" ] || skip "golang-go is not installed"
mkdir src
cat >src/main.go <<'G'
package main

import (
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
	"time"
)

func main() {
	var wg sync.WaitGroup
	var mu sync.Mutex
	total := 0
	ch := make(chan int, 10)
	for i := 0; i < 2000; i++ {
		wg.Add(1)
		go func(n int) {
			defer wg.Done()
			ch <- n
			time.Sleep(time.Millisecond)
			mu.Lock()
			total += <-ch
			mu.Unlock()
		}(i)
	}
	wg.Wait()
	fmt.Println(total)
	out, err := exec.Command("sh", "-c", "echo child; exit 4").Output()
	fmt.Printf("%s%v\n", out, err)
	sig := make(chan os.Signal, 1)
	signal.Notify(sig, syscall.SIGUSR1)
	syscall.Kill(os.Getpid(), syscall.SIGUSR1)
	fmt.Println(<-sig)
	var m runtime.MemStats
	for i := 0; i < 20; i++ {
		_ = make([]byte, 10<<20)
	}
	runtime.GC()
	runtime.ReadMemStats(&m)
	fmt.Println(m.NumGC > 0)
	f, _ := os.CreateTemp("", "x")
	f.WriteString("data")
	st, _ := f.Stat()
	fmt.Println(st.Size())
	os.Remove(f.Name())
	select {
	case <-time.After(20 * time.Millisecond):
		fmt.Println("timer")
	}
}
G
(cd src && HOME=$TMP GOCACHE=$TMP/gocache GO111MODULE=off CGO_ENABLED=0 "$GO" build -o ../prog main.go)
same ./prog
