// Package metrics counts what passes the front door and shows it to Prometheus.
package metrics

import (
	"net/http"
	"net/netip"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"tasuki/internal/edge/serve/front"
)

// Metrics is a front.Observer with a registry of its own. All names begin with tasuki_, those of the Go runtime and the
// process apart.
type Metrics struct {
	registry *prometheus.Registry
	seconds  *prometheus.HistogramVec
	bytes    *prometheus.CounterVec
	inside   *prometheus.GaugeVec
}

// New returns metrics with the runtime's and the process's collectors.
func New() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "tasuki_request_seconds", Help: "Time from the request's header to the reply's last byte.",
			// The budgets are 2 ms over nothing, 20 ms and 50 ms: the buckets stand around them.
			Buckets: []float64{.0005, .001, .002, .005, .01, .02, .05, .1, .25, .5, 1, 2.5, 10, 60},
		}, []string{"surface", "status"}),
		bytes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "tasuki_reply_bytes_total", Help: "Bytes of reply bodies, as sent.",
		}, []string{"surface"}),
		inside: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "tasuki_requests_in_flight", Help: "Requests being answered.",
		}, []string{"surface"}),
	}
	m.registry.MustRegister(m.seconds, m.bytes, m.inside, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Gauge adds a number that is asked for at every scrape; name goes without the prefix, in Prometheus' base units.
// A second gauge of the same name is a programmer's error and panics.
func (m *Metrics) Gauge(name, help string, value func() float64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "tasuki_" + name, Help: help}, value))
}

// Begin counts a request in.
func (m *Metrics) Begin(surface string) { m.inside.WithLabelValues(surface).Inc() }

// End counts it out. Statuses are kept whole: there are few, and 404 is not 429.
func (m *Metrics) End(f front.Finished) {
	m.inside.WithLabelValues(f.Surface).Dec()
	m.bytes.WithLabelValues(f.Surface).Add(float64(f.Bytes))
	m.seconds.WithLabelValues(f.Surface, strconv.Itoa(f.Status)).Observe(f.Took.Seconds())
}

// Space is /metrics, readable by this machine and by the given networks. It is no secret, but it tells how a node is used.
func (m *Metrics) Space(from []netip.Prefix) front.Space {
	scrape := promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
	return front.Space{Prefix: "/metrics", Surface: "metrics", Quiet: true, Plain: true,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !near(r.RemoteAddr, from) {
				http.Error(w, "metrics are for this machine and the networks of metrics_from", http.StatusForbidden)
				return
			}
			scrape.ServeHTTP(w, r)
		})}
}

// near reports whether a remote address may read the metrics. What has no address is the node's own socket.
func near(remote string, from []netip.Prefix) bool {
	peer, err := netip.ParseAddrPort(remote)
	if err != nil {
		return true
	}
	a := peer.Addr().Unmap().WithZone("")
	if a.IsLoopback() {
		return true
	}
	for _, p := range from {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
