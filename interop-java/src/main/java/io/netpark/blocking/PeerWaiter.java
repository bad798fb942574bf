package io.netpark.blocking;

import io.netpark.core.net.streams.ConnectionDescriptor;
import io.netpark.core.net.streams.PeerState;
import io.netpark.core.net.streams.PeerWatch;
import io.netpark.core.sys.Due;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** A thread that waits for the peer to go. */
final class PeerWaiter {

    private PeerWaiter() {}

    /** Returns what is known when it has gone so far, or the time is over. */
    static PeerState await(ConnectionDescriptor core, PeerState from, Duration atMost) throws InterruptedIOException {
        ThreadWaiter.requireNoLoop(core);
        PeerState known = core.peerState();
        long nanos = Due.nanos(atMost);
        if (known.compareTo(from) >= 0 || nanos <= 0) {
            return known;
        }
        CountDownLatch gone = new CountDownLatch(1);
        PeerWatch watch = core.watchPeer(from, state -> gone.countDown());
        try {
            if (!core.loop().clock().awaits(nanos, () -> gone.getCount() == 0)) {
                gone.await(nanos, TimeUnit.NANOSECONDS);
            }
            return core.peerState();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while it waited for the end of " + core);
        } finally {
            watch.close();
        }
    }
}
