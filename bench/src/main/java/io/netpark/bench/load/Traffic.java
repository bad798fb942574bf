package io.netpark.bench.load;

import io.netpark.core.memory.NativeMemory;
import io.netpark.core.poll.Pollable;
import io.netpark.core.poll.Poller;
import io.netpark.core.sys.Binding;
import io.netpark.core.sys.LibC;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/**
 * The closed loop: each socket has so many requests in flight and sends the next when an answer is complete. A run
 * begins and ends with nothing in flight, so what the server used in between belongs to the requests counted.
 */
final class Traffic {

    private static final long SILENCE = TimeUnit.SECONDS.toNanos(20);
    private static final int RECEIVE = 1 << 18;

    final LibC libc = Binding.defaultLibC();
    final Poller poller;
    /** One for all sockets: an answer is compared as soon as it is read. */
    final NativeMemory received = NativeMemory.allocate(RECEIVE);

    final Histogram latencies = new Histogram(TimeUnit.MINUTES.toNanos(1), 3);
    long requests;
    long bytes;
    int inFlight;
    /** Whether a complete answer is followed by a new request. */
    boolean running;
    /** As read last, which is at most one event ago. */
    long now;
    /** Where engines come from, if connections are encrypted. */
    @Nullable TlsClients tls;
    private long end;

    Traffic() throws IOException {
        poller = Poller.EPOLL.open(libc);
    }

    void begin(long nanos) {
        latencies.reset();
        requests = 0;
        bytes = 0;
        now = System.nanoTime();
        end = now + nanos;
        running = nanos > 0;
    }

    /** What a new connection speaks. */
    Wire wire(int fd, InetSocketAddress server) {
        return tls == null ? new PlainWire(this, fd) : new TlsWire(this, tls, server, fd);
    }

    /** The same for a connection of the JDK's. */
    java.net.Socket socket(InetSocketAddress server) throws IOException {
        return tls == null ? new java.net.Socket(server.getAddress(), server.getPort()) : tls.socket(server);
    }

    /** An answer is complete. */
    void answered(long sentAt) {
        latencies.recordValue(Math.min(now - sentAt, latencies.getHighestTrackableValue()));
        requests++;
        inFlight--;
        if (now - end >= 0) {
            running = false;
        }
    }

    /** Waits for events and handles them until nothing is in flight. */
    void finish() throws IOException {
        while (inFlight > 0) {
            turn();
        }
    }

    /** One wait, and what it brought. */
    void turn() throws IOException {
        if (turn(SILENCE) == 0) {
            throw new LoadFailure("silence: nothing came for " + TimeUnit.NANOSECONDS.toSeconds(SILENCE) + " s, "
                    + inFlight + " requests are in flight");
        }
    }

    /** A wait of no more than that, and what it brought: how many events. */
    int turn(long nanos) throws IOException {
        int found = poller.await(nanos);
        now = System.nanoTime();
        for (int i = 0; i < found; i++) {
            Pollable socket = poller.pollable(i);
            if (socket != null) {
                ((Socket) socket).ready(poller.readiness(i));
            }
        }
        return found;
    }
}
