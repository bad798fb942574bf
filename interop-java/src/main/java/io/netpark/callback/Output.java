package io.netpark.callback;

import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.fd.Descriptor;
import io.netpark.core.fd.Direction;
import io.netpark.core.fd.Waiter;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.net.ByteStream;
import io.netpark.core.net.Connection;
import io.netpark.core.net.FileTransfer;
import io.netpark.core.sys.NetparkException;
import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The writing half of a connection. On the loop, with nothing pending, a write goes straight to the kernel, and what
 * the kernel does not take is queued until the socket is writable. Other threads never touch the queue: they push
 * what they want on a stack, which a task on the loop empties.
 */
final class Output {

    private static final VarHandle SUBMITTED;
    private static final VarHandle PENDING_BYTES;
    private static final VarHandle PENDING_OF_FILES;

    static {
        try {
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            SUBMITTED = lookup.findVarHandle(Output.class, "submitted", Submission.class);
            PENDING_BYTES = lookup.findVarHandle(Output.class, "pendingBytes", long.class);
            PENDING_OF_FILES = lookup.findVarHandle(Output.class, "pendingOfFiles", long.class);
        } catch (ReflectiveOperationException e) {
            throw new ExceptionInInitializerError(e);
        }
    }

    /** What comes after the last byte. */
    private static final int NOTHING = 0;
    private static final int SHUTDOWN = 1;
    private static final int CLOSE = 2;

    /** No write is going on. */
    private static final int IDLE = 0;
    /** A write wants to be retried. */
    private static final int PENDING = 1;
    /** A write is parked: {@link #waiter} is in the slot, or on its way here. */
    private static final int PARKED = 2;
    /** Somebody else writes; what is written here waits for {@link #giveBack}. */
    private static final int LENT = 3;

    /** A wish of another thread: bytes to write, a file to send, or a way to end. */
    private static final class Submission {
        final LinkBuffer bytes;
        final @Nullable FileTransfer file;
        final @Nullable LongConsumer progress;
        final @Nullable CompletableFuture<Void> future;
        final int end;
        @Nullable Submission next;

        Submission(LinkBuffer bytes, @Nullable CompletableFuture<Void> future, int end) {
            this(bytes, null, null, future, end);
        }

        Submission(LinkBuffer bytes, @Nullable FileTransfer file, @Nullable LongConsumer progress,
                @Nullable CompletableFuture<Void> future, int end) {
            this.bytes = bytes;
            this.file = file;
            this.progress = progress;
            this.future = future;
            this.end = end;
        }

        long length() {
            return bytes.buffered() + (file == null ? 0 : unsent(file));
        }

        void discard() {
            bytes.close();
            if (file != null) {
                file.close();
            }
        }
    }

    private final CallbackConnection connection;
    private final Connection core;
    private final EventLoop loop;
    private final Limits limits;
    private final Waiter waiter = this::ready;

    /** Stack of submissions, the last one first. Whoever pushes the first one sees to it that the loop looks. */
    private volatile @Nullable Submission submitted;
    /** Submitted or queued, and not taken by the kernel. */
    private volatile long pendingBytes;
    /** How much of that is in files, and takes no memory. */
    private volatile long pendingOfFiles;
    /** No more writes: an end has been asked for. */
    private volatile boolean closing;
    /** Time without progress of pending output; 0 for ever. */
    private volatile long timeoutNanos;

    /** Made when the kernel first refuses bytes. Loop's thread only, as is everything below. */
    private @Nullable OutputQueue queue;
    /** Where the write operation of the core stands; the diagram of {@link Input} holds here as well. */
    private int state = IDLE;
    /** Above the high-water mark, and not yet down to the low one. */
    private boolean full;
    private int end = NOTHING;
    private boolean shutDown;
    /** Those who want to write when everything is written; made for the first. */
    private @Nullable ArrayDeque<Runnable> borrowers;

    Output(CallbackConnection connection, Limits limits) {
        this.connection = connection;
        this.core = connection.core;
        this.loop = connection.loop();
        this.limits = limits;
        this.timeoutNanos = limits.writeNanos();
    }

    long pendingBytes() {
        return pendingBytes;
    }

    boolean isClosing() {
        return closing;
    }

    boolean isBelowHighWaterMark() {
        return pendingBytes <= limits.highWaterMark();
    }

    /** Reading must wait for the peer to take its answers. */
    boolean isFull() {
        return full;
    }

    /** The connection is going to be closed as soon as everything has been written. */
    boolean isClosingConnection() {
        return end == CLOSE;
    }

    /** The output has ended, and the kernel knows. */
    boolean isShutDown() {
        return shutDown;
    }

    private boolean isIdle() {
        return state == IDLE && (queue == null || queue.isEmpty());
    }

    // Any thread

    /** Takes all bytes of {@code source}. The connection was open and not {@link #isClosing} a moment ago. */
    void write(ByteBuffer source, @Nullable CompletableFuture<Void> future) {
        if (!loop.inLoop() || submitted != null) {
            LinkBuffer copy = limits.newBuffer();
            try {
                copy.write(source);
            } catch (NetparkException.LimitExceeded e) {
                copy.close();
                failed(e, future); // accepted, like anything that fails later
                return;
            }
            submit(new Submission(copy, future, NOTHING));
        } else if (isIdle()) {
            writeThrough(source, future);
        } else {
            enqueue(source, future);
        }
    }

    /** As the other, and takes the bytes as they are, without a copy. */
    void write(LinkBuffer source, @Nullable CompletableFuture<Void> future) {
        if (!loop.inLoop() || submitted != null) {
            LinkBuffer moved = limits.newBuffer();
            move(source, moved);
            submit(new Submission(moved, future, NOTHING));
        } else if (isIdle()) {
            writeThrough(source, future);
        } else {
            enqueue(source, future);
        }
    }

    /** Sends a file after what was written before, and closes it when that is over. */
    void send(FileTransfer file, @Nullable LongConsumer progress, @Nullable CompletableFuture<Void> future) {
        if (!loop.inLoop() || submitted != null) {
            PENDING_OF_FILES.getAndAdd(this, unsent(file));
            submit(new Submission(limits.newBuffer(), file, progress, future, NOTHING));
            return;
        }
        long length = unsent(file);
        PENDING_OF_FILES.getAndAdd(this, length);
        PENDING_BYTES.getAndAdd(this, length);
        OutputQueue queue = queue();
        queue.add(file, progress, limits.newBuffer());
        queue.added(length, future);
        noteIfFull();
        if (state == IDLE) {
            loop.tryExecute(this::flushIfIdle); // later: flushing runs user code
        }
    }

    private static long unsent(FileTransfer file) {
        return file.count() - file.sent();
    }

    static void move(LinkBuffer from, LinkBuffer to) {
        try {
            to.append(from);
        } catch (NetparkException.LimitExceeded e) {
            throw new AssertionError("a buffer without a limit", e);
        }
    }

    /** Zero for ever. */
    void setTimeout(long nanos) {
        timeoutNanos = nanos;
        if (!connection.isOpen()) {
            return; // the socket may be another's by now
        }
        if (nanos == 0) {
            core.clearDeadline(Direction.WRITE);
        } else if (pendingBytes > 0) {
            startTimeout();
        }
    }

    /** A write begins; progress extends the deadline. */
    void startTimeout() {
        long nanos = timeoutNanos;
        if (nanos > 0) {
            core.setDeadline(Direction.WRITE, System.nanoTime() + nanos);
        }
    }

    /** Shuts down the output when everything before has been written. */
    void shutdown() {
        closing = true;
        end(SHUTDOWN);
    }

    /** Closes the connection when everything before has been written. */
    void close() {
        closing = true;
        end(CLOSE);
    }

    private void end(int how) {
        if (loop.inLoop() && submitted == null) {
            end = Math.max(end, how);
            finish();
        } else {
            submit(new Submission(limits.newBuffer(), null, how));
        }
    }

    private void submit(Submission submission) {
        PENDING_BYTES.getAndAdd(this, submission.length());
        Submission seen;
        do {
            seen = submitted;
            submission.next = seen;
        } while (!SUBMITTED.compareAndSet(this, seen, submission));
        if (seen == null && !loop.tryExecute(this::takeSubmissions)) {
            takeSubmissions(); // the loop has ended, and the connection with it: this only says so
        }
    }

    // On the loop

    private void takeSubmissions() {
        Submission next = inOrder((Submission) SUBMITTED.getAndSet(this, null));
        if (!connection.isOpen()) {
            failAll(next);
            return;
        }
        OutputQueue queue = queue();
        for (; next != null; next = next.next) {
            if (end != NOTHING && next.end == NOTHING) {
                PENDING_BYTES.getAndAdd(this, -next.length());
                if (next.file != null) {
                    PENDING_OF_FILES.getAndAdd(this, -unsent(next.file));
                }
                next.discard();
                fail(next.future);
                continue;
            }
            queue.added(next.length(), next.future);
            if (next.file != null) {
                queue.add(next.file, next.progress, next.bytes);
            } else {
                move(next.bytes, queue.tail());
            }
            end = Math.max(end, next.end);
        }
        noteIfFull();
        flushIfIdle();
    }

    private void flushIfIdle() {
        if (state == IDLE && connection.isOpen()) {
            flush();
        }
    }

    private static @Nullable Submission inOrder(@Nullable Submission last) {
        Submission first = null;
        while (last != null) {
            Submission before = last.next;
            last.next = first;
            first = last;
            last = before;
        }
        return first;
    }

    private OutputQueue queue() {
        OutputQueue known = queue;
        if (known == null) {
            known = queue = new OutputQueue(limits.newBuffer());
        }
        return known;
    }

    private void noteIfFull() {
        long pending = pendingBytes;
        full |= pending > limits.highWaterMark();
        long inMemory = pending - pendingOfFiles;
        if (inMemory > limits.outputLimit()) {
            connection.life.end(new NetparkException.LimitExceeded(connection + ": " + inMemory
                    + " bytes of output are pending, and its limit is " + limits.outputLimit()
                    + "; the peer does not read: heed what write() returns, or raise outputLimit"));
        }
    }

    private void enqueue(ByteBuffer source, @Nullable CompletableFuture<Void> future) {
        OutputQueue queue = queue();
        LinkBuffer tail = queue.tail();
        long before = tail.buffered();
        try {
            tail.write(source);
        } catch (NetparkException.LimitExceeded e) {
            failed(e, future); // accepted, like anything that fails later
            return;
        }
        enqueued(queue, tail.buffered() - before, future);
    }

    private void enqueue(LinkBuffer source, @Nullable CompletableFuture<Void> future) {
        OutputQueue queue = queue();
        LinkBuffer tail = queue.tail();
        long before = tail.buffered();
        move(source, tail);
        enqueued(queue, tail.buffered() - before, future);
    }

    private void enqueued(OutputQueue queue, long count, @Nullable CompletableFuture<Void> future) {
        PENDING_BYTES.getAndAdd(this, count);
        queue.added(count, future);
        noteIfFull();
    }

    /** The usual case. Runs no user code but what is chained to a future: the caller is in the midst of a callback. */
    private void writeThrough(ByteBuffer source, @Nullable CompletableFuture<Void> future) {
        startTimeout();
        int outcome;
        try {
            outcome = core.startWrite(source);
        } catch (NetparkException e) {
            source.position(source.limit()); // accepted, like anything that fails later
            failed(e, future);
            return;
        }
        if (mustWait(outcome, future)) {
            enqueue(source, future);
            parkWrite();
        }
    }

    private void writeThrough(LinkBuffer source, @Nullable CompletableFuture<Void> future) {
        startTimeout();
        int outcome;
        try {
            outcome = core.startWrite(source);
        } catch (NetparkException e) {
            source.skip(source.available()); // as above
            failed(e, future);
            return;
        }
        if (mustWait(outcome, future)) {
            enqueue(source, future);
            parkWrite();
        }
    }

    private void failed(NetparkException why, @Nullable CompletableFuture<Void> future) {
        connection.life.end(why);
        fail(future);
    }

    /** A write has begun. Either all is written, or the rest must wait. */
    private boolean mustWait(int outcome, @Nullable CompletableFuture<Void> future) {
        connection.idle.touch();
        if (outcome == Descriptor.PARK) {
            return true;
        }
        if (future != null) {
            limits.complete(future, null);
        }
        return false;
    }

    /** The operation of the core has returned PARK. */
    private void parkWrite() {
        state = PARKED;
        if (!core.park(Direction.WRITE, waiter)) {
            state = PENDING;
            loop.tryExecute(waiter); // later: flushing runs user code
        }
    }

    private void ready() {
        state = PENDING;
        flush();
    }

    private void flush() {
        OutputQueue queue = queue();
        if (state == IDLE) {
            startTimeout();
        }
        while (connection.isOpen() && !queue.isEmpty()) {
            FileTransfer file = queue.file();
            long queued = file == null ? queue.bytes().buffered() : unsent(file);
            int outcome;
            try {
                outcome = file == null
                        ? state == IDLE ? core.startWrite(queue.bytes()) : core.retryWrite(queue.bytes())
                        : state == IDLE ? core.startSend(file) : core.retrySend(file);
            } catch (IOException e) {
                state = IDLE;
                connection.life.end(failure(e));
                return;
            }
            long taken = queued - (file == null ? queue.bytes().buffered() : unsent(file));
            if (taken > 0) {
                if (file != null) {
                    PENDING_OF_FILES.getAndAdd(this, -taken);
                }
                long before = (long) PENDING_BYTES.getAndAdd(this, -taken);
                full |= before > limits.highWaterMark(); // with what others have submitted, and been told of
                connection.idle.touch();
            }
            if (outcome == ByteStream.TURN_OVER) {
                state = PENDING;
                loop.tryExecute(waiter);
                break;
            } else if (outcome != Descriptor.PARK) {
                state = IDLE;
                if (file != null) {
                    queue.fileSent();
                }
            } else {
                state = PARKED;
                if (core.park(Direction.WRITE, waiter)) {
                    break;
                }
                state = PENDING;
            }
        }
        tellProgress(queue);
        finish();
    }

    /** The peer would wait for the rest: whatever it is, the connection ends with it. */
    private NetparkException failure(IOException e) {
        if (e instanceof NetparkException failure) {
            return failure;
        }
        NetparkException.Closed failure = new NetparkException.Closed(
                "send a file to " + core.remoteAddress() + ": it cannot be read: " + e.getMessage());
        failure.initCause(e);
        return failure;
    }

    private void tellProgress(OutputQueue queue) {
        for (QueuedFile sent; connection.isOpen() && (sent = queue.nextSentFile()) != null; ) {
            sent.tellProgress(loop);
        }
        QueuedFile first = connection.isOpen() ? queue.firstFile() : null;
        if (first != null) {
            first.tellProgress(loop);
        }
        for (CompletableFuture<Void> done; connection.isOpen() && (done = queue.fulfilled()) != null; ) {
            limits.complete(done, null);
        }
        if (full && pendingBytes <= limits.lowWaterMark() && connection.isOpen()) {
            full = false;
            if (!closing) {
                connection.life.tellWritable();
            }
            connection.input.wantedAgain();
        }
    }

    /** Everything may have been written, and an end asked for. */
    private void finish() {
        if (!isIdle() || !connection.isOpen()) {
            return;
        }
        if (lendNext()) {
            return;
        }
        if (end == NOTHING) {
            connection.life.mayBeIdle();
            return;
        }
        if (end == CLOSE) {
            connection.life.end(null);
        } else if (!shutDown) {
            try {
                core.shutdownOutput();
            } catch (NetparkException e) {
                connection.life.end(e);
                return;
            }
            shutDown = true;
            connection.life.endIfBothHalvesHave();
        }
    }

    // Lent, to be copied to

    /** On the loop: when everything has been written, lets another write; at the latest when the connection has ended. */
    void lend(Runnable borrower) {
        if (borrowers == null) {
            borrowers = new ArrayDeque<>(1);
        }
        borrowers.add(borrower);
        if (connection.isOpen()) {
            finish();
        } else {
            lendNext();
        }
    }

    private boolean lendNext() {
        Runnable next = borrowers == null ? null : borrowers.poll();
        if (next == null) {
            return false;
        }
        state = LENT;
        next.run();
        return true;
    }

    /** On the loop: goes on with what has been written meanwhile. */
    void giveBack(boolean andShutdown) {
        if (state != LENT) {
            return;
        }
        state = IDLE;
        if (andShutdown) {
            shutdown();
        }
        if (queue != null && !queue.isEmpty() && connection.isOpen()) {
            flush();
        } else {
            finish();
        }
    }

    // The end

    /** The connection has ended: nothing that is pending will be written. */
    void release() {
        if (queue != null) {
            for (CompletableFuture<Void> future; (future = queue.broken()) != null; ) {
                fail(future);
            }
            queue = null;
        }
        while (lendNext()) {} // they find that it is closed
        failAll(inOrder((Submission) SUBMITTED.getAndSet(this, null)));
    }

    private void failAll(@Nullable Submission next) {
        for (; next != null; next = next.next) {
            next.discard();
            fail(next.future);
        }
    }

    private void fail(@Nullable CompletableFuture<Void> future) {
        if (future != null) {
            limits.fail(future, connection.life.closed("write to"));
        }
    }
}
