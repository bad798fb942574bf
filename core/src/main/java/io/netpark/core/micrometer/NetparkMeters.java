package io.netpark.core.micrometer;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.FunctionTimer;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.TimeGauge;
import io.micrometer.core.instrument.binder.MeterBinder;
import io.netpark.core.buffer.SegmentPool;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.pool.Eviction;
import io.netpark.core.pool.Pool;
import io.netpark.core.report.DialFault;
import io.netpark.core.report.Handshakes;
import io.netpark.core.report.LoopSnapshot;
import io.netpark.core.report.PeerFault;
import io.netpark.core.sys.NetparkException.TlsFault;
import io.netpark.core.tls.CertificateInfo;
import io.netpark.core.tls.Tls;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * Meters of a group of event loops, and of pools, for Micrometer, which the application brings:
 * {@code new NetparkMeters(group, "api").bindTo(registry)}. The names are in docs/operation.md. A scrape takes one
 * snapshot. The registry keeps the group reachable.
 */
public final class NetparkMeters implements MeterBinder {

    private static final long RECENT_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

    private final EventLoopGroup group;
    private final Tags tags;
    private @Nullable LoopSnapshot recent;
    private long taken;

    /**
     * Of a group that has metrics.
     *
     * @param name the value of the tag {@code group}
     */
    public NetparkMeters(EventLoopGroup group, String name) {
        group.snapshot(); // says so now if it has none
        this.group = group;
        this.tags = Tags.of("group", name);
    }

    @Override
    public void bindTo(MeterRegistry registry) {
        gauge(registry, "netpark.loops", "Event loops", total -> group.loops().size());
        gauge(registry, "netpark.connections", "Open connections", LoopSnapshot::connections);
        counter(registry, "netpark.connections.opened", "Connections opened", LoopSnapshot::connectionsEver);
        counter(registry, "netpark.connections.refused", "Connections reset at a limit", LoopSnapshot::refused);
        for (PeerFault kind : PeerFault.values()) {
            FunctionCounter.builder("netpark.peer.faults", group, g -> total().peerFaults().of(kind))
                    .description("Connections ended by what their peers did")
                    .tags(tags.and("kind", kind.name().toLowerCase(Locale.ROOT))).register(registry);
        }
        counter(registry, "netpark.handler.failures", "Handlers that failed, and not by what the peer did", LoopSnapshot::handlerFailures);
        DurationMeters durations = new DurationMeters(registry, tags);
        durations.register("netpark.connections.life", "Connections that are gone", DurationMeters.MILLISECONDS_TO_DAYS, () -> total().lives());
        durations.register("netpark.lookups", "Look-ups of names that a dial has waited for", DurationMeters.MILLISECONDS_TO_MINUTES,
                () -> total().lookUps());
        durations.register("netpark.dials", "Dials that have led to a connection", DurationMeters.MILLISECONDS_TO_MINUTES,
                () -> total().dials().connected());
        for (DialFault kind : DialFault.values()) {
            FunctionCounter.builder("netpark.dial.failures", group, g -> total().dials().failed(kind))
                    .description("Dials that have failed").tags(tags.and("kind", kind.name().toLowerCase(Locale.ROOT))).register(registry);
        }
        durations.register("netpark.tls.handshakes", "TLS handshakes that have ended well", DurationMeters.MILLISECONDS_TO_MINUTES,
                () -> total().handshakes().durations());
        counter(registry, "netpark.tls.handshakes.resumed", "Those that resumed a session", total -> total.handshakes().resumed());
        tlsFailures(registry, "timed_out", Handshakes::timedOut);
        for (TlsFault fault : TlsFault.values()) {
            tlsFailures(registry, fault.name().toLowerCase(Locale.ROOT), handshakes -> handshakes.failed(fault));
        }
        counter(registry, "netpark.accept.pauses", "Episodes without descriptors", LoopSnapshot::acceptPauses);
        counter(registry, "netpark.bytes.in", "Bytes read", LoopSnapshot::bytesIn);
        counter(registry, "netpark.bytes.out", "Bytes written", LoopSnapshot::bytesOut);
        counter(registry, "netpark.bytes.dropped", "Bytes of connections' output that were never written", LoopSnapshot::bytesDropped);
        gauge(registry, "netpark.descriptors", "Watched descriptors", LoopSnapshot::descriptors);
        gauge(registry, "netpark.parked", "Parked operations", LoopSnapshot::parked);
        gauge(registry, "netpark.tasks.pending", "Queued tasks", LoopSnapshot::pendingTasks);
        counter(registry, "netpark.tasks", "Tasks run", LoopSnapshot::tasks);
        gauge(registry, "netpark.timers.pending", "Armed timers", LoopSnapshot::pendingTimers);
        counter(registry, "netpark.wakeups", "Wake-ups by other threads", LoopSnapshot::wakeups);
        durations.register("netpark.turns", "From a wait's return to the next wait", DurationMeters.MICROSECONDS_TO_SECONDS,
                () -> total().turns());
        durations.register("netpark.delays", "From a wait's return to what it has found", DurationMeters.MICROSECONDS_TO_SECONDS,
                () -> total().delays());
        durations.register("netpark.runs", "Runs of what was parked on a descriptor", DurationMeters.MICROSECONDS_TO_SECONDS,
                () -> total().runs());
        counter(registry, "netpark.events", "Descriptors found ready", LoopSnapshot::events);
        counter(registry, "netpark.zerocopy.sends", "Writes that lent their bytes to the kernel", LoopSnapshot::zeroCopySends);
        counter(registry, "netpark.zerocopy.copied", "Those copied all the same", LoopSnapshot::zeroCopyCopied);
    }

    /** A scrape asks meter by meter, and a snapshot looks at every descriptor: one does for all of them. */
    private synchronized LoopSnapshot total() {
        long now = group.clock().nanoTime();
        if (recent == null || now - taken > RECENT_NANOS) {
            recent = group.snapshot().total();
            taken = now;
        }
        return recent;
    }

    private void tlsFailures(MeterRegistry registry, String kind, ToLongFunction<Handshakes> count) {
        FunctionCounter.builder("netpark.tls.failures", group, g -> count.applyAsLong(total().handshakes()))
                .description("TLS handshakes that have failed").tags(tags.and("kind", kind)).register(registry);
    }

    private void gauge(MeterRegistry registry, String name, String description, ToLongFunction<LoopSnapshot> value) {
        Gauge.builder(name, group, g -> value.applyAsLong(total()))
                .description(description).tags(tags).register(registry);
    }

    private void counter(MeterRegistry registry, String name, String description, ToLongFunction<LoopSnapshot> value) {
        FunctionCounter.builder(name, group, g -> value.applyAsLong(total()))
                .description(description).tags(tags).register(registry);
    }

    /**
     * Meters of a pool of connections.
     *
     * @param name the value of the tag {@code pool}
     */
    public static MeterBinder of(Pool pool, String name) {
        return registry -> {
            Tags tags = Tags.of("pool", name);
            Gauge.builder("netpark.pool.open", pool, p -> p.snapshot().open())
                    .description("Connections lent and idle").tags(tags).register(registry);
            Gauge.builder("netpark.pool.idle", pool, p -> p.snapshot().idle())
                    .description("Connections that no borrower has").tags(tags).register(registry);
            Gauge.builder("netpark.pool.dialing", pool, p -> p.snapshot().dialing())
                    .description("Connections that are being dialed").tags(tags).register(registry);
            Gauge.builder("netpark.pool.waiting", pool, p -> p.snapshot().waiting())
                    .description("Borrowers who wait").tags(tags).register(registry);
            FunctionCounter.builder("netpark.pool.established", pool, p -> p.snapshot().created()) // Prometheus reserves "created"
                    .description("Connections established").tags(tags).register(registry);
            FunctionCounter.builder("netpark.pool.dial.failures", pool, p -> p.snapshot().dialFailures())
                    .description("Attempts that failed").tags(tags).register(registry);
            FunctionCounter.builder("netpark.pool.borrowed", pool, p -> p.snapshot().borrowed())
                    .description("Times that a connection was lent").tags(tags).register(registry);
            FunctionCounter.builder("netpark.pool.timeouts", pool, p -> p.snapshot().timedOut())
                    .description("Borrowers whose time was over").tags(tags).register(registry);
            FunctionTimer.builder("netpark.pool.waits", pool, p -> p.snapshot().waited(), p -> p.snapshot().waitedNanos(),
                            TimeUnit.NANOSECONDS)
                    .description("Waiting for a connection").tags(tags).register(registry);
            for (Eviction reason : Eviction.values()) {
                FunctionCounter.builder("netpark.pool.evicted", pool, p -> p.snapshot().evicted().getOrDefault(reason, 0L))
                        .description("Connections closed").tags(tags.and("reason", reason.name().toLowerCase(Locale.ROOT)))
                        .register(registry);
            }
        };
    }

    /**
     * When the certificates of a configuration expire: the first of all that new connections use, also after a reload.
     *
     * @param name the value of the tag {@code tls}
     */
    public static MeterBinder of(Tls tls, String name) {
        return registry -> TimeGauge.builder("netpark.tls.certificate.expiry", tls, TimeUnit.SECONDS, NetparkMeters::secondsLeft)
                .description("Time until the first certificate expires; negative if it has").tags(Tags.of("tls", name)).register(registry);
    }

    private static double secondsLeft(Tls tls) {
        return tls.certificates().stream().map(CertificateInfo::notAfter).min(Comparator.naturalOrder())
                .map(end -> Duration.between(Instant.now(), end).toMillis() / 1e3).orElse(Double.NaN);
    }

    /**
     * Meters of a pool of segments.
     *
     * @param name the value of the tag {@code pool}
     */
    public static MeterBinder of(SegmentPool pool, String name) {
        return registry -> {
            Tags tags = Tags.of("pool", name);
            Gauge.builder("netpark.segments.lent", pool, p -> p.statistics().lentSegments())
                    .description("Segments that somebody holds").tags(tags).register(registry);
            Gauge.builder("netpark.segments.lent.bytes", pool, p -> p.statistics().lentBytes())
                    .description("Their size").baseUnit("bytes").tags(tags).register(registry);
            Gauge.builder("netpark.segments.allocated.bytes", pool, p -> p.statistics().allocatedBytes())
                    .description("Memory of the pool").baseUnit("bytes").tags(tags).register(registry);
            FunctionCounter.builder("netpark.segments.taken", pool, p -> p.statistics().taken())
                    .description("Segments taken").tags(tags).register(registry);
            FunctionCounter.builder("netpark.segments.made", pool, p -> p.statistics().made())
                    .description("Segments that needed new memory").tags(tags).register(registry);
            FunctionCounter.builder("netpark.segments.lost", pool, p -> p.statistics().lost())
                    .description("Segments never released").tags(tags).register(registry);
        };
    }
}
