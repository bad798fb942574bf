package io.netpark.callback.output;

import io.netpark.callback.futures.PlacedFuture;
import io.netpark.callback.state.Ending;
import io.netpark.callback.state.Limits;
import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.fd.Descriptor;
import io.netpark.core.fd.Direction;
import io.netpark.core.fd.Waiter;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.net.files.FileTransfer;
import io.netpark.core.net.streams.ConnectionDescriptor;
import io.netpark.core.sys.AddressText;
import io.netpark.core.sys.NetparkException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * What the kernel has not taken of an {@link Output}, and the write operation that waits until it does. Made when the kernel
 * first refuses bytes, or when the output is first lent. Loop's thread only.
 */
final class Flushing implements Waiter {

    /** As of one write: then others have their turn. */
    private static final long BYTES_A_TURN = 2 << 20;

    /** No write is going on. */
    private static final int IDLE = 0;
    /** A write wants to be retried. */
    private static final int PENDING = 1;
    /** A write is parked: this is in the slot, or on its way here. */
    private static final int PARKED = 2;
    /** Somebody else writes; what is written here waits for {@link #giveBack}. */
    private static final int LENT = 3;

    private final OutputQueue queue;
    private final Ending ending;
    private final Limits limits;
    private final ConnectionDescriptor core;
    private final EventLoop loop;
    private final Output output;

    /**
     * Where the write operation of the core stands; the diagram of reading holds here as well, and
     *
     * <pre>
     *   IDLE --everything before is written, and it is a borrower's turn--> LENT --given back--> IDLE
     * </pre>
     */
    private int state = IDLE;
    /**
     * Bytes that are out of the queue, and not known to be with the kernel: with TLS they may be in records that it has not taken yet. They
     * count as pending until the write has ended, or has more to write.
     */
    private long underWay;
    /** The file that they are of; null if they are of none. */
    private @Nullable FileTransfer underWayOf;

    Flushing(Output output, ConnectionDescriptor core, Ending ending, Limits limits) {
        this.core = core;
        this.loop = core.loop();
        this.ending = ending;
        this.limits = limits;
        this.output = output;
        this.queue = new OutputQueue(limits.newBuffer());
    }

    /** Nothing is queued and nothing going on. */
    boolean isIdle() {
        return state == IDLE && queue.isEmpty();
    }

    // Adding

    void enqueue(ByteBuffer source, @Nullable PlacedFuture<Void> future) {
        LinkBuffer tail = queue.tail();
        long before = tail.buffered();
        try {
            tail.put(source);
        } catch (NetparkException.LimitExceeded e) {
            output.failed(e, future); // accepted, like anything that fails later
            return;
        } catch (Throwable e) { // no memory: some of it may be on its way, and the peer must not take that for all
            ending.brokeOff("output could not be kept", e);
            throw e;
        }
        long count = tail.buffered() - before;
        queue.added(count, future);
        output.queued(count, 0);
    }

    void enqueue(LinkBuffer source, @Nullable PlacedFuture<Void> future) {
        LinkBuffer tail = queue.tail();
        long before = tail.buffered();
        OutputQueue.move(source, tail);
        long count = tail.buffered() - before;
        queue.added(count, future);
        output.queued(count, 0);
    }

    /** As the others, and sees to it that it is sent. */
    void enqueue(FileTransfer file, @Nullable LongConsumer progress, @Nullable PlacedFuture<Void> future) {
        long count = file.count() - file.sent();
        queue.add(file, progress, limits.newBuffer());
        queue.added(count, future);
        output.queued(count, count);
        if (state == IDLE) {
            loop.tryWake(this::flushIfIdle); // later: flushing runs user code
        }
    }

    /** As the others, and sees to it that it gets its turn. */
    void enqueue(OutputBorrower borrower) {
        queue.add(borrower, limits.newBuffer());
        if (state == IDLE) {
            loop.tryWake(this::flushIfIdle); // later: it runs user code
        }
    }

    /** What another thread has submitted, which counts as pending already. */
    void enqueue(Submission submission) {
        queue.added(submission.length(), submission.future);
        if (submission.file != null) {
            queue.add(submission.file, submission.progress, submission.bytes);
        } else if (submission.borrower != null) {
            queue.add(submission.borrower, submission.bytes);
        } else {
            OutputQueue.move(submission.bytes, queue.tail());
        }
    }

    @Override
    public String who() {
        return "output of callbacks";
    }

    // Writing

    /** A write of the core has returned PARK: keeps what it has left. */
    void park(ByteBuffer rest, @Nullable PlacedFuture<Void> future) {
        try {
            if (rest.hasRemaining()) {
                enqueue(rest, future);
            } else {
                enqueueNothing(future);
            }
        } finally {
            park(); // also if there is no memory for the rest: a write of the core has begun
        }
    }

    void park(LinkBuffer rest, @Nullable PlacedFuture<Void> future) {
        try {
            if (rest.buffered() > 0) {
                enqueue(rest, future);
            } else {
                enqueueNothing(future);
            }
        } finally {
            park(); // as above
        }
    }

    /** All bytes are in records, and the kernel has not taken all of those: it counts as one byte that is under way. */
    private void enqueueNothing(@Nullable PlacedFuture<Void> future) {
        queue.added(1, future);
        underWay = 1;
        output.queued(1, 0);
    }

    private void park() {
        state = PARKED;
        if (!core.park(Direction.WRITE, this)) {
            state = PENDING;
            loop.tryWake(this); // later: flushing runs user code
        }
    }

    /** There is room to write. */
    @Override
    public void run() {
        state = PENDING;
        flush();
    }

    void flushIfIdle() {
        if (state == IDLE && ending.isOpen()) {
            flush();
        }
    }

    /** Has the kernel take what it takes. Runs user code. What is thrown ends the connection: nobody would go on with it. */
    private void flush() {
        try {
            flushNow();
        } catch (Throwable e) {
            failed(e);
        }
    }

    private void flushNow() {
        long turn = 0;
        while (ending.isOpen() && (state != IDLE || !queue.isEmpty())) {
            if (turn >= BYTES_A_TURN && state == IDLE) { // many files, each of which is less
                loop.tryWake(this::flushIfIdle);
                break;
            }
            OutputBorrower next = state == IDLE ? queue.nextBorrower() : null;
            if (next != null) {
                state = LENT;
                next.lent(true);
                break; // and if it has given it back already, that has gone on
            }
            FileTransfer file = underWay > 0 ? underWayOf : queue.file();
            long queued = queue.unsentOfFirst(file);
            int outcome;
            try {
                outcome = file == null
                        ? state == IDLE ? core.startWrite(queue.bytes()) : core.retryWrite(queue.bytes())
                        : state == IDLE ? core.startSend(file) : core.retrySend(file);
            } catch (IOException e) {
                state = IDLE;
                ending.end(failure(e));
                return;
            } catch (Throwable e) { // no memory, say; the operation has ended
                state = IDLE;
                failed(e);
                return;
            }
            long taken = queued - queue.unsentOfFirst(file);
            turn += taken;
            underWay += taken;
            underWayOf = file;
            if (outcome != Descriptor.PARK || queue.unsentOfFirst(file) > 0) {
                tellTaken();
            }
            if (outcome != Descriptor.PARK) {
                state = IDLE;
                if (file != null) {
                    queue.fileSent();
                }
            } else {
                state = PARKED;
                if (core.park(Direction.WRITE, this)) {
                    break;
                }
                state = PENDING;
            }
        }
        tellProgress();
        output.finish();
    }

    private void tellTaken() {
        long taken = underWay;
        boolean ofFile = underWayOf != null;
        underWay = 0;
        underWayOf = null;
        queue.taken(taken);
        if (taken > 0) {
            output.taken(taken, ofFile);
        }
    }

    private void failed(Throwable e) {
        ending.brokeOff("writing failed", e);
    }

    /** The peer would wait for the rest: whatever it is, the connection ends with it. */
    private NetparkException failure(IOException e) {
        if (e instanceof NetparkException failure) {
            return failure;
        }
        NetparkException.Closed failure = new NetparkException.Closed(
                "send a file to " + AddressText.of(core.remoteAddress()) + ": it cannot be read: " + e.getMessage());
        failure.initCause(e);
        return failure;
    }

    private void tellProgress() {
        output.tellWritten();
        for (QueuedFile sent; ending.isOpen() && (sent = queue.nextSentFile()) != null; ) {
            sent.tellProgress(loop);
        }
        QueuedFile first = ending.isOpen() ? queue.firstFile() : null;
        if (first != null) {
            first.tellProgress(loop);
        }
        for (PlacedFuture<Void> done; ending.isOpen() && (done = queue.fulfilled()) != null; ) {
            done.tell((Void) null);
        }
        output.tellIfWritable();
    }

    // Lent, to be copied to

    /** As {@link Output#giveBack}. */
    void giveBack(boolean andShutdown) {
        if (state != LENT) {
            return;
        }
        state = IDLE;
        if (andShutdown) {
            output.shutdown();
        }
        if (!queue.isEmpty() && ending.isOpen()) {
            flush();
        } else {
            output.finish();
        }
    }

    // The end

    /** The connection has ended: nothing of this will be written. */
    void release() {
        for (PlacedFuture<Void> future; (future = queue.broken()) != null; ) {
            output.fail(future);
        }
        for (OutputBorrower borrower; (borrower = queue.turnedAway()) != null; ) {
            borrower.lent(false);
        }
    }
}
