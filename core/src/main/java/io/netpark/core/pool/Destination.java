package io.netpark.core.pool;

import io.netpark.core.loop.Timer;
import io.netpark.core.sys.NetparkException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.ArrayDeque;
import java.util.LinkedHashSet;
import org.jspecify.annotations.Nullable;

/** What a pool knows of one address. All of it is guarded by the pool's lock. */
final class Destination {

    final SocketAddress address;
    /** The one used last is at the end, and is lent first: the others may become idle for long, and go. */
    final ArrayDeque<Member> idle = new ArrayDeque<>();
    /** In the order in which they came. */
    final LinkedHashSet<Borrow> waiting = new LinkedHashSet<>();
    /** Lent and idle. */
    int open;
    int dialing;

    // Failing

    int failures;
    /** Before this instant nothing is dialed; meaningful while there are {@link #failures}. */
    long retryNanos;
    @Nullable NetparkException lastFailure;
    @Nullable Timer retry;

    Destination(SocketAddress address) {
        this.address = address;
    }

    int count() {
        return open + dialing;
    }

    /** As a nanoTime; there is one. */
    long firstWaitsSince() {
        return waiting.iterator().next().startNanos;
    }

    boolean isPausing() {
        return failures > 0 && retryNanos - System.nanoTime() > 0;
    }

    @Override
    public String toString() {
        return address instanceof InetSocketAddress inet && inet.isUnresolved()
                ? inet.getHostString() + ":" + inet.getPort() : address.toString().replaceFirst("^.*/(?=[^/]*:)", "");
    }
}
