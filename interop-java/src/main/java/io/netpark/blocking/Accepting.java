package io.netpark.blocking;

import io.netpark.core.fd.Direction;
import io.netpark.core.net.listening.ListenerDescriptor;
import io.netpark.core.net.streams.ConnectionDescriptor;
import io.netpark.core.sys.AddressText;
import io.netpark.core.sys.Clock;
import io.netpark.core.sys.Due;
import io.netpark.core.sys.NetparkException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/** Accepts from a listener, for one thread at a time; the others have their turns, in the order in which they came. */
final class Accepting {

    final ListenerDescriptor core;
    private final ThreadWaiter waiter;
    /** The descriptor has room for one thread that waits. */
    private final ReentrantLock turn = new ReentrantLock(true);
    /** Those who wait for their turn by a clock that says which thread runs when: the lock does not know of them. */
    private final Queue<Thread> inLine = new ConcurrentLinkedQueue<>();

    Accepting(ListenerDescriptor core) {
        this.core = core;
        this.waiter = new ThreadWaiter(core, Direction.READ);
    }

    /** Waits for the next connection, for so long at most. */
    ConnectionDescriptor next(long nanos) throws IOException {
        ThreadWaiter.requireNoLoop(core);
        long end = core.loop().clock().after(nanos);
        takeTurn(nanos);
        try {
            return nanos == Due.FOREVER ? accept() : acceptUntil(end);
        } finally {
            turn.unlock();
        }
    }

    private void takeTurn(long nanos) throws IOException {
        try {
            // An untimed tryLock overtakes those who wait; a timed one throws if the thread is interrupted, though it need not wait.
            if (inLine.isEmpty() && !turn.hasQueuedThreads() && turn.tryLock() || tryLock(nanos)) {
                return;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while it waited for its turn to accept from " + core);
        }
        throw core.isClosed()
                ? new NetparkException.Closed("accept on " + AddressText.of(core.localAddress()) + ": closed here") : timedOut();
    }

    private boolean tryLock(long nanos) throws InterruptedException {
        Clock clock = core.loop().clock();
        long end = clock.after(nanos);
        Thread me = Thread.currentThread();
        inLine.add(me);
        try {
            for (long left = nanos; clock.awaits(left, () -> isTurnOf(me)); left = nanos == Due.FOREVER ? nanos : end - clock.nanoTime()) {
                if (isTurnOf(me) && turn.tryLock()) {
                    return true;
                }
                if (end - clock.nanoTime() <= 0) {
                    return false;
                }
            }
        } finally {
            inLine.remove(me);
        }
        return turn.tryLock(nanos, TimeUnit.NANOSECONDS);
    }

    private boolean isTurnOf(Thread first) {
        return !turn.isLocked() && inLine.peek() == first;
    }

    private ConnectionDescriptor acceptUntil(long end) throws IOException {
        ConnectionDescriptor accepted = core.startAccept();
        while (accepted == null) {
            boolean inTime = waiter.awaitUntil(end);
            accepted = core.retryAccept(); // in any case: a connection may have come
            if (accepted == null && !inTime) {
                core.abandon(Direction.READ);
                throw timedOut();
            }
        }
        return accepted;
    }

    private ConnectionDescriptor accept() throws IOException {
        ConnectionDescriptor accepted = core.startAccept();
        while (accepted == null) {
            waiter.await();
            accepted = core.retryAccept();
        }
        return accepted;
    }

    private NetparkException timedOut() {
        return new NetparkException.TimedOut(
                NetparkException.Timeout.ACCEPT, "accept on " + AddressText.of(core.localAddress()) + ": nobody has come in time");
    }
}
