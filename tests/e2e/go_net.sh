#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Go's net/http: server and many clients, TLS with HTTP/2, streaming, timeouts,
# a Unix socket, UDP.  Built as Go does by itself: its packages come compiled.
. "$(dirname "$0")/lib.sh"
GO=$(command -v go || ls /usr/lib/go-*/bin/go 2>/dev/null | head -1) || true
[ -n "$GO" ] || skip "golang-go is not installed"
mkdir src
cat >src/main.go <<'G'
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"time"
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	big := bytes.Repeat([]byte("0123456789abcdef"), 100000)
	mux := http.NewServeMux()
	mux.HandleFunc("/hello", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "hello %s", r.URL.Query().Get("n")) })
	mux.HandleFunc("/big", func(w http.ResponseWriter, r *http.Request) { w.Write(big) })
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) })
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	mux.HandleFunc("/stream", func(w http.ResponseWriter, r *http.Request) {
		for i := 0; i < 5; i++ {
			fmt.Fprintf(w, "part %d\n", i)
			w.(http.Flusher).Flush()
			time.Sleep(2 * time.Millisecond)
		}
	})
	for _, tls := range []bool{false, true} {
		s := httptest.NewUnstartedServer(mux)
		s.EnableHTTP2 = tls
		if tls {
			s.StartTLS()
		} else {
			s.Start()
		}
		c := s.Client()
		var wg sync.WaitGroup
		var mu sync.Mutex
		right := 0
		for i := 0; i < 50; i++ {
			wg.Add(1)
			go func(i int) {
				defer wg.Done()
				for k := 0; k < 20; k++ {
					r, err := c.Get(fmt.Sprintf("%s/hello?n=%d", s.URL, i*k))
					check(err)
					b, err := io.ReadAll(r.Body)
					check(err)
					r.Body.Close()
					if string(b) == fmt.Sprintf("hello %d", i*k) {
						mu.Lock()
						right++
						mu.Unlock()
					}
				}
			}(i)
		}
		wg.Wait()
		r, err := c.Get(s.URL + "/big")
		check(err)
		b, err := io.ReadAll(r.Body)
		check(err)
		fmt.Println(right, r.Proto, bytes.Equal(b, big))
		r, err = c.Post(s.URL+"/echo", "x/y", bytes.NewReader(big))
		check(err)
		b, _ = io.ReadAll(r.Body)
		fmt.Println(bytes.Equal(b, big))
		r, err = c.Get(s.URL + "/stream")
		check(err)
		b, _ = io.ReadAll(r.Body)
		fmt.Println(len(b))
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		q, _ := http.NewRequestWithContext(ctx, "GET", s.URL+"/slow", nil)
		_, err = c.Do(q)
		fmt.Println(err != nil, ctx.Err())
		cancel()
		s.Close()
		_, err = c.Get(s.URL)
		fmt.Println(err != nil)
	}
	dir, err := os.MkdirTemp("", "g")
	check(err)
	name := filepath.Join(dir, "s")
	l, err := net.Listen("unix", name)
	check(err)
	go http.Serve(l, mux)
	c := http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return net.Dial("unix", name) }}}
	r, err := c.Get("http://unix/hello?n=unix")
	check(err)
	b, _ := io.ReadAll(r.Body)
	fmt.Println(string(b))
	os.RemoveAll(dir)
	u, err := net.ListenPacket("udp", "[::1]:0")
	check(err)
	go func() {
		buf := make([]byte, 2000)
		for {
			n, from, err := u.ReadFrom(buf)
			if err != nil {
				return
			}
			u.WriteTo(buf[:n], from)
		}
	}()
	d, err := net.Dial("udp", u.LocalAddr().String())
	check(err)
	d.SetDeadline(time.Now().Add(5 * time.Second))
	d.Write(big[:1400])
	n, err := d.Read(big)
	fmt.Println(n, err)
	d.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	_, err = d.Read(big)
	fmt.Println(os.IsTimeout(err))
	a, err := net.LookupHost("localhost")
	fmt.Println(len(a) > 0, err)
}
G
(cd src && HOME=$TMP GOCACHE=$TMP/gocache GO111MODULE=off "$GO" build -o ../prog main.go)
same timeout 60 ./prog
