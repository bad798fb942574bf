package io.netpark.blocking;

import io.netpark.core.buffer.SegmentPool;
import io.netpark.core.net.transfer.HeldBuffers;
import io.netpark.core.net.transfer.Relay;
import io.netpark.core.net.transfer.Transfer;
import io.netpark.core.sys.Clock;
import io.netpark.core.sys.Due;
import io.netpark.core.sys.NetparkException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/** Bytes from one connection to another: a {@link Transfer} or {@link Relay} goes on upon event loops, and a thread waits for its end. */
final class Copying {

    private final HeldBuffers held = new HeldBuffers();
    private final CountDownLatch ended = new CountDownLatch(1);
    private final Clock clock;
    private volatile @Nullable Exception failure;

    private Copying(BlockingConnection source) {
        this.clock = source.core.loop().clock();
    }

    static long copy(BlockingConnection source, BlockingConnection target, long count) throws IOException {
        Copying copying = new Copying(source);
        Transfer transfer;
        begin(source, target);
        try {
            transfer = new Transfer(source.core, target.core, copying.held.hold(target.ownedOutput),
                    copying.held.hold(source.ownedInput), count, SegmentPool.shared(), (over, failure) -> copying.end(failure));
            copying.run("copied from " + source, transfer::start, transfer::cancel);
        } finally {
            copying.held.drop();
        }
        ended(source, target, transfer, copying.failure);
        copying.throwFailure(source, target);
        return transfer.copied();
    }

    static Relayed relay(BlockingConnection one, BlockingConnection other) throws IOException {
        Copying copying = new Copying(one);
        Relay relay;
        begin(one, other);
        begin(other, one);
        try {
            relay = new Relay(one.core, other.core, copying.held.hold(other.ownedOutput), copying.held.hold(one.ownedInput),
                    copying.held.hold(one.ownedOutput), copying.held.hold(other.ownedInput), SegmentPool.shared(),
                    (over, failure) -> copying.end(failure));
            copying.run("relayed between " + one + " and " + other, relay::start, relay::cancel);
        } finally {
            copying.held.drop();
        }
        ended(one, other, relay.toOther(), copying.failure);
        ended(other, one, relay.fromOther(), copying.failure);
        copying.throwFailure(one, other);
        return new Relayed(relay.toOther().copied(), relay.fromOther().copied());
    }

    private static void begin(BlockingConnection source, BlockingConnection target) throws NetparkException {
        source.requireUsable();
        target.requireUsable();
        ThreadWaiter.requireNoLoop(source);
        source.checkInput();
        target.checkOutput();
        target.answering = true;
    }

    private void end(@Nullable Exception failure) {
        this.failure = failure;
        ended.countDown();
    }

    /** Interrupted, it only asks for the end: when this returns the connections are not in use any more. */
    private void run(String what, Runnable start, Runnable cancel) {
        start.run();
        boolean interrupted = false;
        while (true) {
            try {
                if (!clock.awaits(Due.FOREVER, () -> ended.getCount() == 0)) {
                    ended.await();
                }
                break;
            } catch (InterruptedException e) {
                interrupted = true;
                cancel.run();
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
        if (failure instanceof CancellationException) {
            failure = new InterruptedIOException("interrupted while it " + what);
        }
    }

    private static void ended(BlockingConnection source, BlockingConnection target, Transfer transfer, @Nullable Exception failure) {
        if (failure == null) {
            return;
        }
        String brokenOutput = transfer.brokenOutput(failure);
        if (brokenOutput != null) {
            target.breakOutput(brokenOutput);
        }
        if (transfer.spoilsTarget()) {
            target.spoil();
        }
        String brokenInput = transfer.brokenInput(failure);
        if (brokenInput != null) {
            source.breakInput(brokenInput);
            source.spoil();
        }
        source.giveBackIfClosed();
    }

    private void throwFailure(BlockingConnection one, BlockingConnection other) throws IOException {
        Exception thrown = failure;
        if (thrown instanceof NetparkException e) {
            throw (e.isAbout(other.core) ? other : one).told(e);
        } else if (thrown instanceof IOException e) {
            throw e;
        } else if (thrown instanceof RuntimeException e) {
            throw e;
        }
    }
}
