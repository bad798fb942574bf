package io.netpark.blocking;

import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.buffer.OwnedBuffer;
import io.netpark.core.buffer.SegmentPool;
import io.netpark.core.net.transfer.Relay;
import io.netpark.core.net.transfer.Transfer;
import io.netpark.core.sys.AddressText;
import io.netpark.core.sys.NetparkException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;

/** Bytes from one connection to another: a {@link Transfer} or {@link Relay} goes on upon event loops, and a thread waits for its end. */
final class Copying {

    /** What readers and writers hold, in the hands of the copy. */
    private final List<OwnedBuffer> owners = new ArrayList<>(4);
    private final List<LinkBuffer> held = new ArrayList<>(4);

    private final CountDownLatch ended = new CountDownLatch(1);
    private volatile @Nullable Exception failure;

    private Copying() {}

    static long copy(BlockingConnection source, BlockingConnection target, long count) throws IOException {
        Copying copying = new Copying();
        Transfer transfer;
        begin(source, target);
        try {
            transfer = new Transfer(source.core, target.core, copying.hold(target.ownedOutput), copying.hold(source.ownedInput), count,
                    SegmentPool.shared(), (over, failure) -> copying.end(failure));
            copying.run("copied from " + source, transfer::start, transfer::cancel);
        } finally {
            copying.drop();
        }
        ended(source, target, transfer, copying.failure);
        copying.throwFailure(source, target);
        return transfer.copied();
    }

    static Relayed relay(BlockingConnection one, BlockingConnection other) throws IOException {
        Copying copying = new Copying();
        Relay relay;
        begin(one, other);
        begin(other, one);
        try {
            relay = new Relay(one.core, other.core, copying.hold(other.ownedOutput), copying.hold(one.ownedInput),
                    copying.hold(one.ownedOutput), copying.hold(other.ownedInput), SegmentPool.shared(),
                    (over, failure) -> copying.end(failure));
            copying.run("relayed between " + one + " and " + other, relay::start, relay::cancel);
        } finally {
            copying.drop();
        }
        ended(one, other, relay.there(), copying.failure);
        ended(other, one, relay.back(), copying.failure);
        copying.throwFailure(one, other);
        return new Relayed(relay.there().copied(), relay.back().copied());
    }

    private static void begin(BlockingConnection source, BlockingConnection target) throws NetparkException {
        source.requireUsable();
        target.requireUsable();
        ThreadWaiter.requireNoLoop(source);
        source.checkInput();
        target.checkOutput();
        target.answering = true;
    }

    private LinkBuffer hold(OwnedBuffer owned) {
        LinkBuffer buffer = owned.hold();
        owners.add(owned);
        held.add(buffer);
        return buffer;
    }

    private void drop() {
        for (int i = 0; i < held.size(); i++) {
            owners.get(i).drop(held.get(i));
        }
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
                ended.await();
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
        if (transfer.isMidway()) {
            target.breakOutput("a copy from " + AddressText.of(source.remoteAddress()) + " ended in the midst of its bytes (" + failure + ")");
        }
        if (transfer.isMidway() || source.core.isReset()) {
            target.spoil();
        }
        if (transfer.lost() > 0) {
            source.breakInput(transfer.lost() + " bytes of it were lost in a copy (" + failure + ")");
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
