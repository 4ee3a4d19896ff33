package nativekinds

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/net/proxy"
)

// dialTimeout bounds how long a connection to a member, or to its proxy, may take to come about.
const dialTimeout = 30 * time.Second

type dialFunc func(ctx context.Context, network, address string) (net.Conn, error)

// dialerThrough returns what dials through a proxy of scheme http, https or
// socks5. Requests and upgraded connections alike go through it: the upgrade-aware
// handler knows of dialers but not of proxies. header is sent to an HTTP proxy.
func dialerThrough(proxyURL *url.URL, header http.Header) (dialFunc, error) {
	direct := &net.Dialer{Timeout: dialTimeout}
	if proxyURL.Scheme == "socks5" {
		dialer, err := proxy.FromURL(proxyURL, direct)
		if err != nil {
			return nil, fmt.Errorf("spec.proxyURL: %w", err)
		}
		contextDialer, ok := dialer.(proxy.ContextDialer)
		if !ok {
			return nil, errors.New("spec.proxyURL: SOCKS dialer cannot be interrupted")
		}
		return contextDialer.DialContext, nil
	}
	header = header.Clone()
	if header == nil {
		header = http.Header{}
	}
	if u := proxyURL.User; u != nil {
		password, _ := u.Password()
		header.Set("Proxy-Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(u.Username()+":"+password)))
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dialProxy(ctx, direct, network, proxyURL)
		if err != nil {
			return nil, fmt.Errorf("dialing proxy %s: %w", proxyURL.Host, err)
		}
		if err := connect(ctx, conn, address, header); err != nil {
			conn.Close()
			return nil, fmt.Errorf("proxy %s: %w", proxyURL.Host, err)
		}
		return conn, nil
	}, nil
}

func dialProxy(ctx context.Context, dialer *net.Dialer, network string, proxyURL *url.URL) (net.Conn, error) {
	address := proxyURL.Host
	if proxyURL.Port() == "" {
		address = net.JoinHostPort(proxyURL.Hostname(), map[string]string{"http": "80", "https": "443"}[proxyURL.Scheme])
	}
	if proxyURL.Scheme != "https" {
		return dialer.DialContext(ctx, network, address)
	}
	secure := &tls.Dialer{NetDialer: dialer, Config: &tls.Config{MinVersion: tls.VersionTLS12, ServerName: proxyURL.Hostname()}}
	return secure.DialContext(ctx, network, address)
}

// connect makes an HTTP proxy tunnel the connection to the address.
func connect(ctx context.Context, conn net.Conn, address string, header http.Header) error {
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Now()) })
	defer stop()
	request := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: address}, Host: address, Header: header}
	if err := request.Write(conn); err != nil {
		return fmt.Errorf("asking for a tunnel to %s: %w", address, err)
	}
	reader := bufio.NewReader(conn)
	response, err := http.ReadResponse(reader, request)
	if err != nil {
		return fmt.Errorf("asking for a tunnel to %s: %w", address, err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("refuses a tunnel to %s: %s", address, response.Status)
	}
	// The member speaks only when it is spoken to, so nothing of it can be buffered yet.
	if reader.Buffered() > 0 {
		return fmt.Errorf("sent data before the tunnel to %s was used", address)
	}
	return nil
}
