package io.netpark.callback;

import io.netpark.core.fd.Descriptor;
import io.netpark.core.fd.Direction;
import io.netpark.core.fd.Waiter;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.net.Connection;
import io.netpark.core.sys.NetparkException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * The writing half of a connection. On the loop, with nothing pending, a write goes straight to the kernel, and what
 * the kernel does not take is queued until the socket is writable. Other threads never touch the queue: they push
 * what they want on a stack, which a task on the loop empties.
 */
final class Output {

    private static final VarHandle SUBMITTED;
    private static final VarHandle PENDING_BYTES;

    static {
        try {
            MethodHandles.Lookup lookup = MethodHandles.lookup();
            SUBMITTED = lookup.findVarHandle(Output.class, "submitted", Submission.class);
            PENDING_BYTES = lookup.findVarHandle(Output.class, "pendingBytes", long.class);
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

    private static final ByteBuffer NO_BYTES = ByteBuffer.allocate(0);

    /** A wish of another thread: bytes to write, or a way to end. */
    private static final class Submission {
        final ByteBuffer bytes;
        final @Nullable CompletableFuture<Void> future;
        final int end;
        @Nullable Submission next;

        Submission(ByteBuffer bytes, @Nullable CompletableFuture<Void> future, int end) {
            this.bytes = bytes;
            this.future = future;
            this.end = end;
        }
    }

    private final CallbackConnection connection;
    private final Connection core;
    private final EventLoop loop;
    private final int highWaterMark;
    private final int lowWaterMark;
    private final Waiter waiter = this::ready;

    /** Stack of submissions, the last one first. Whoever pushes the first one sees to it that the loop looks. */
    private volatile @Nullable Submission submitted;
    /** Submitted or queued, and not taken by the kernel. */
    private volatile long pendingBytes;
    /** No more writes: an end has been asked for. */
    private volatile boolean closing;

    /** Made when the kernel first refuses bytes. Loop's thread only, as is everything below. */
    private @Nullable OutputQueue queue;
    /** Where the write operation of the core stands; the diagram of {@link Input} holds here as well. */
    private int state = IDLE;
    /** Above the high-water mark, and not yet down to the low one. */
    private boolean full;
    private int end = NOTHING;
    private boolean shutDown;

    Output(CallbackConnection connection, Limits limits) {
        this.connection = connection;
        this.core = connection.core;
        this.loop = connection.loop();
        this.highWaterMark = limits.highWaterMark();
        this.lowWaterMark = limits.lowWaterMark();
    }

    long pendingBytes() {
        return pendingBytes;
    }

    boolean isClosing() {
        return closing;
    }

    boolean isBelowHighWaterMark() {
        return pendingBytes <= highWaterMark;
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
            submit(new Submission(copyOf(source), future, NOTHING));
        } else if (isIdle()) {
            writeThrough(source, future);
        } else {
            enqueue(source, future);
        }
    }

    private static ByteBuffer copyOf(ByteBuffer source) {
        return ByteBuffer.allocate(source.remaining()).put(source).flip();
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
            submit(new Submission(NO_BYTES, null, how));
        }
    }

    private void submit(Submission submission) {
        PENDING_BYTES.getAndAdd(this, (long) submission.bytes.remaining());
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
                PENDING_BYTES.getAndAdd(this, (long) -next.bytes.remaining());
                fail(next.future);
                continue;
            }
            queue.adopt(next.bytes);
            end = Math.max(end, next.end);
            if (next.future != null) {
                queue.promise(next.future);
            }
        }
        noteIfFull();
        if (state == IDLE) {
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
            known = queue = new OutputQueue();
        }
        return known;
    }

    private void noteIfFull() {
        full |= pendingBytes > highWaterMark;
    }

    private void enqueue(ByteBuffer source, @Nullable CompletableFuture<Void> future) {
        PENDING_BYTES.getAndAdd(this, (long) source.remaining());
        queue().copy(source);
        if (future != null) {
            queue().promise(future);
        }
        noteIfFull();
    }

    /** The usual case. Runs no user code: the caller is in the midst of a callback. */
    private void writeThrough(ByteBuffer source, @Nullable CompletableFuture<Void> future) {
        int outcome;
        try {
            outcome = core.startWrite(source);
        } catch (NetparkException e) {
            source.position(source.limit()); // accepted, like anything that fails later
            connection.end(e);
            fail(future);
            return;
        }
        connection.idle.touch();
        if (outcome != Descriptor.PARK) {
            if (future != null) {
                future.complete(null);
            }
            return;
        }
        enqueue(source, future);
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
        for (ByteBuffer chunk; connection.isOpen() && (chunk = queue.first()) != null; ) {
            int before = chunk.remaining();
            int outcome;
            try {
                outcome = state == IDLE ? core.startWrite(chunk) : core.retryWrite(chunk);
            } catch (NetparkException e) {
                state = IDLE;
                connection.end(e);
                return;
            }
            int taken = before - chunk.remaining();
            if (taken > 0) {
                queue.taken(taken, chunk);
                PENDING_BYTES.getAndAdd(this, (long) -taken);
                connection.idle.touch();
            }
            if (outcome != Descriptor.PARK) {
                state = IDLE;
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

    private void tellProgress(OutputQueue queue) {
        for (CompletableFuture<Void> done; connection.isOpen() && (done = queue.fulfilled()) != null; ) {
            done.complete(null);
        }
        if (full && pendingBytes <= lowWaterMark && connection.isOpen()) {
            full = false;
            if (!closing) {
                try {
                    connection.callbacks.writable.handle(connection);
                } catch (Throwable e) {
                    connection.callbackFailed("onWritable", e);
                }
            }
            connection.input.goOn();
        }
    }

    /** Everything may have been written, and an end asked for. */
    private void finish() {
        if (end == NOTHING || !isIdle() || !connection.isOpen()) {
            return;
        }
        if (end == CLOSE) {
            connection.end(null);
        } else if (!shutDown) {
            try {
                core.shutdownOutput();
            } catch (NetparkException e) {
                connection.end(e);
                return;
            }
            shutDown = true;
            connection.endIfBothHalvesHave();
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
        failAll(inOrder((Submission) SUBMITTED.getAndSet(this, null)));
    }

    private void failAll(@Nullable Submission next) {
        for (; next != null; next = next.next) {
            fail(next.future);
        }
    }

    private void fail(@Nullable CompletableFuture<Void> future) {
        if (future != null) {
            future.completeExceptionally(connection.closed("write to"));
        }
    }
}
