package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/url"
	"os"
	"strings"
	"time"
)

// storePatience is how long a store may take to accept a connection.
const storePatience = 5 * time.Second

// The exporters that send somewhere. Others write files, or are asked.
var sending = map[string]bool{
	"otlp": true, "otlp_grpc": true, "otlphttp": true, "otlp_http": true, "prometheusremotewrite": true, "prometheus_remote_write": true,
}

// checkStores connects to where the exporters send, and says nothing to it. With TLS, the
// certificate is looked at.
func (c *resolvedConfig) checkStores(ctx context.Context) (findings []finding) {
	asked := make(map[string]bool)
	for _, component := range c.Components() {
		if component.Section != "exporters" || !sending[component.Type()] {
			continue
		}
		component.Each(func(path, key string, in map[string]any, value any) {
			text, _ := value.(string)
			if text == "" || (key != "endpoint" && !strings.HasSuffix(key, "_endpoint")) {
				return
			}
			s, err := parseStore(text, asMap(in["tls"]))
			if err != nil {
				findings = append(findings, finding{"stores", Failure, path, err.Error(), "write it as https://host:port/path, or host:port for OTLP/gRPC"})
				return
			}
			if !asked[s.address] {
				asked[s.address] = true
				findings = append(findings, s.check(ctx, path))
			}
		})
	}
	return findings
}

type storeAddress struct {
	host, address string
	secure        bool
	settings      map[string]any // of its TLS
}

// parseStore understands a URL, and the host:port of OTLP/gRPC with or without a scheme of its
// resolver.
func parseStore(text string, settings map[string]any) (storeAddress, error) {
	insecure := settings["insecure"] == true
	if !strings.Contains(text, "://") {
		host, _, err := net.SplitHostPort(text)
		return storeAddress{host, text, !insecure, settings}, err
	}
	u, err := url.Parse(text)
	if err != nil {
		return storeAddress{}, errors.New("is no URL") // the error would repeat a password
	}
	switch u.Scheme {
	case "dns":
		address := strings.TrimPrefix(u.Path, "/")
		host, _, err := net.SplitHostPort(address)
		return storeAddress{host, address, !insecure, settings}, err
	case "http", "https":
		port := u.Port()
		if port == "" {
			port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
		}
		return storeAddress{u.Hostname(), net.JoinHostPort(u.Hostname(), port), u.Scheme == "https", settings}, nil
	}
	return storeAddress{}, errors.New("has the unknown scheme " + u.Scheme)
}

func (s storeAddress) check(ctx context.Context, path string) finding {
	ctx, cancel := context.WithTimeout(ctx, storePatience)
	defer cancel()
	dialer := &net.Dialer{}
	connection, err := dialer.DialContext(ctx, "tcp", s.address)
	if err != nil {
		return finding{"stores", Warning, path, err.Error(), storeRemedy(err)}
	}
	defer func() { _ = connection.Close() }() // nothing was sent that could be lost
	if !s.secure {
		return finding{"stores", OK, path, s.address + " accepts connections", ""}
	}
	config, err := s.tlsConfig()
	if err != nil {
		return finding{"stores", Failure, path, err.Error(), ""}
	}
	secure := tls.Client(connection, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		return finding{"stores", Warning, path, s.address + ": " + err.Error(), "name the authority of its certificate as tls::ca_file, or the name in it as tls::server_name_override"}
	}
	return certificateFinding("stores", path+" ("+s.address+")", secure.ConnectionState().PeerCertificates[0])
}

func (s storeAddress) tlsConfig() (*tls.Config, error) {
	config := &tls.Config{ServerName: s.host, MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
	if name, _ := s.settings["server_name_override"].(string); name != "" {
		config.ServerName = name
	}
	// as configured for the agent
	config.InsecureSkipVerify = s.settings["insecure_skip_verify"] == true
	if name, _ := s.settings["ca_file"].(string); name != "" {
		pem, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, errors.New(name + " holds no certificate")
		}
	}
	certificate, _ := s.settings["cert_file"].(string)
	key, _ := s.settings["key_file"].(string)
	if certificate != "" && key != "" {
		pair, err := tls.LoadX509KeyPair(certificate, key)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

func storeRemedy(err error) string {
	var resolution *net.DNSError
	switch {
	case errors.As(err, &resolution):
		return "the name is not known on this host: look at the address and at DNS"
	case errors.Is(err, os.ErrPermission):
		return "a drop-in of the unit (loopback-only.conf) or a firewall of the host forbids it"
	case errors.Is(err, context.DeadlineExceeded):
		return "a firewall drops it, or the host is down"
	}
	return "nothing listens there: look at the address, and whether the store runs"
}
