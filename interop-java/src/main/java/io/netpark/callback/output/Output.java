package io.netpark.callback.output;

import io.netpark.callback.futures.OneByOne;
import io.netpark.callback.futures.PlacedFuture;
import io.netpark.callback.state.Ending;
import io.netpark.callback.state.Idling;
import io.netpark.callback.state.Limits;
import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.fd.Descriptor;
import io.netpark.core.fd.Direction;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.net.files.FileTransfer;
import io.netpark.core.net.streams.ConnectionDescriptor;
import io.netpark.core.sys.Due;
import io.netpark.core.sys.NetparkException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The writing half of a connection: what is wanted, how much of it is pending, and what comes after it. On the loop, with
 * nothing pending, a write goes straight to the kernel, and what the kernel does not take is left to {@link Flushing}. Other
 * threads never touch that: they push what they want on a stack, which a task on the loop empties.
 */
public final class Output {

    /** What this half has to ask and tell. On the loop. */
    public interface Owner {

        /** Enough of the pending output has been taken. Runs user code. */
        void hasRoom(boolean mayBeWritten);

        /** Nothing is being written, and no end has been asked for. */
        void mayBeIdle();

        /** The peer's end of stream has been read. */
        boolean isInputEnded();

        /** The output has ended, and the kernel knows. */
        void outputShutDown();
    }

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

    private final ConnectionDescriptor core;
    private final EventLoop loop;
    private final Limits limits;
    private final Ending ending;
    private final Idling idle;
    private final Owner owner;

    /** Stack of submissions, the last one first. Whoever pushes the first one sees to it that the loop looks. */
    private volatile @Nullable Submission submitted;
    /** Submitted or queued, and not taken by the kernel. */
    private volatile long pendingBytes;
    /** How much of that is in files, and takes no memory. */
    private volatile long pendingOfFiles;
    /** No more writes: an end has been asked for. */
    private volatile boolean closing;
    /** And the connection is to be closed then. */
    private volatile boolean toBeClosed;
    /** How long the peer has to end its stream when the connection is closed after its writes; 0 not to wait for that. */
    private volatile long lingerNanos;

    /** What the kernel has not taken; null for as long as it takes everything. Loop's thread only, as is everything below. */
    private @Nullable Flushing flushing;
    /** Futures of writes that the kernel took at once; made for the first. */
    private @Nullable Written written;
    /** Above the high-water mark, and not yet down to the low one. */
    private boolean full;
    private int end = NOTHING;
    private boolean shutDown;

    public Output(ConnectionDescriptor core, Limits limits, Ending ending, Idling idle, Owner owner) {
        this.core = core;
        this.loop = core.loop();
        this.limits = limits;
        this.ending = ending;
        this.idle = idle;
        this.owner = owner;
        core.setTimeout(Direction.WRITE, limits.writeNanos() == 0 ? Due.FOREVER : limits.writeNanos());
    }

    public Limits limits() {
        return limits;
    }

    public long pendingBytes() {
        return pendingBytes;
    }

    public boolean isClosing() {
        return closing;
    }

    /** It has been asked for that the connection be closed when everything has been written. From any thread. */
    public boolean isToBeClosed() {
        return toBeClosed;
    }

    public boolean isBelowHighWaterMark() {
        return pendingBytes <= limits.highWaterMark();
    }

    /** Reading must wait for the peer to take its answers. */
    public boolean isFull() {
        return full;
    }

    /** The connection is going to be closed as soon as everything has been written. */
    public boolean isClosingConnection() {
        return end == CLOSE;
    }

    /** The output has ended, and the kernel knows. */
    public boolean isShutDown() {
        return shutDown;
    }

    /** Nothing is being written, here or by somebody to whom it is lent. */
    public boolean isIdle() {
        return flushing == null || flushing.isIdle();
    }

    // Any thread

    /** Takes all bytes of {@code source}. The connection was open and not {@link #isClosing} a moment ago. */
    public void write(ByteBuffer source, @Nullable PlacedFuture<Void> future) {
        if (!loop.inLoop() || submitted != null) {
            LinkBuffer copy = limits.newBuffer();
            try {
                copy.put(source);
            } catch (NetparkException.LimitExceeded e) {
                copy.close();
                failed(e, future); // accepted, like anything that fails later
                return;
            } catch (Throwable e) {
                copy.close();
                throw e;
            }
            submit(new Submission(copy, future, NOTHING));
        } else if (isIdle()) {
            writeThrough(source, future);
        } else {
            flushing().enqueue(source, future);
        }
    }

    /** As the other, and takes the bytes as they are, without a copy. */
    public void write(LinkBuffer source, @Nullable PlacedFuture<Void> future) {
        if (!loop.inLoop() || submitted != null) {
            LinkBuffer moved = limits.newBuffer();
            OutputQueue.move(source, moved);
            submit(new Submission(moved, future, NOTHING));
        } else if (isIdle()) {
            writeThrough(source, future);
        } else {
            flushing().enqueue(source, future);
        }
    }

    /** Sends a file after what was written before, and closes it when that is over. */
    public void send(FileTransfer file, @Nullable LongConsumer progress, @Nullable PlacedFuture<Void> future) {
        if (!loop.inLoop() || submitted != null) {
            submit(new Submission(limits.newBuffer(), file, null, progress, future, NOTHING));
        } else {
            flushing().enqueue(file, progress, future);
        }
    }

    /** Lets another write: after what was written before, and before what is written from now on. */
    public void lend(OutputBorrower borrower) {
        if (closing || !ending.isOpen()) {
            borrower.lent(false);
        } else if (!loop.inLoop() || submitted != null) {
            submit(new Submission(limits.newBuffer(), null, borrower, null, null, NOTHING));
        } else {
            flushing().enqueue(borrower);
        }
    }

    /** How long pending output may make no progress; zero for ever. */
    public void setTimeout(long nanos) {
        if (ending.isOpen()) { // or the socket may be another's by now
            core.setTimeout(Direction.WRITE, nanos == 0 ? Due.FOREVER : nanos);
        }
    }

    /** Shuts down the output when everything before has been written. */
    public void shutdown() {
        closing = true;
        end(SHUTDOWN);
    }

    /** Closes the connection when everything before has been written. */
    public void close() {
        closing = true;
        toBeClosed = true;
        end(CLOSE);
    }

    /** As {@link #close}, and lets what has been written arrive though the peer sends; for so long at most. */
    public void closeLingering(long nanos) {
        lingerNanos = nanos;
        close();
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
        pending(submission.length(), submission.lengthOfFile());
        Submission seen;
        do {
            seen = submitted;
            submission.next = seen;
        } while (!SUBMITTED.compareAndSet(this, seen, submission));
        if (seen == null) {
            OneByOne.onLoop(loop, this::takeSubmissions); // if it has ended, so has the connection, and this only says so
        }
    }

    // On the loop

    private void takeSubmissions() {
        Submission next = Submission.inOrder((Submission) SUBMITTED.getAndSet(this, null));
        if (!ending.isOpen()) {
            failAll(next);
            return;
        }
        Flushing flushing;
        try {
            flushing = flushing();
            for (; next != null; next = next.next) {
                if (end != NOTHING && next.end == NOTHING) {
                    pending(-next.length(), -next.lengthOfFile());
                    next.discard();
                    fail(next.future);
                    continue;
                }
                flushing.enqueue(next);
                end = Math.max(end, next.end);
            }
            noteIfFull();
        } catch (Throwable e) { // no memory: nobody else knows of what is left of them
            ending.brokeOff("what was to be written could not be queued", e);
            failAll(next);
            return;
        }
        flushing.flushIfIdle();
    }

    private Flushing flushing() {
        Flushing known = flushing;
        if (known == null) {
            known = flushing = new Flushing(this, core, ending, limits);
        }
        return known;
    }

    // How much is pending

    /** More is pending, or less; {@code ofFile} says how much of that is in a file. From any thread. */
    private void pending(long count, long ofFile) {
        if (ofFile != 0) {
            PENDING_OF_FILES.getAndAdd(this, ofFile);
        }
        PENDING_BYTES.getAndAdd(this, count);
    }

    /** So much has been queued. */
    void queued(long count, long ofFile) {
        pending(count, ofFile);
        noteIfFull();
    }

    private void noteIfFull() {
        long pending = pendingBytes;
        full |= pending > limits.highWaterMark();
        long inMemory = pending - pendingOfFiles;
        if (inMemory > limits.outputLimit()) {
            ending.end(new NetparkException.LimitExceeded(core + ": " + inMemory
                    + " bytes of output are pending, and its limit is " + limits.outputLimit()
                    + "; the peer does not read: heed what write() returns, or raise outputLimit"));
        }
    }

    /** The kernel has taken some of what was pending. */
    void taken(long count, boolean ofFile) {
        if (ofFile) {
            PENDING_OF_FILES.getAndAdd(this, -count);
        }
        long before = (long) PENDING_BYTES.getAndAdd(this, -count);
        full |= before > limits.highWaterMark(); // with what others have submitted, and been told of
    }

    /** It may have taken enough of it. Runs user code. */
    void tellIfWritable() {
        if (full && pendingBytes <= limits.lowWaterMark() && ending.isOpen()) {
            full = false;
            owner.hasRoom(!closing);
        }
    }

    // Writing at once

    /** The usual case. Runs no user code but what is chained to a future: the caller is in the midst of a callback. */
    private void writeThrough(ByteBuffer source, @Nullable PlacedFuture<Void> future) {
        int outcome;
        try {
            outcome = core.startWrite(source);
        } catch (NetparkException e) {
            source.position(source.limit()); // accepted, like anything that fails later
            failed(e, future);
            return;
        } catch (Throwable e) {
            source.position(source.limit());
            brokeOff(e, future);
            return;
        }
        if (mustWait(outcome, future)) {
            flushing().park(source, future);
        }
    }

    private void writeThrough(LinkBuffer source, @Nullable PlacedFuture<Void> future) {
        int outcome;
        try {
            outcome = core.startWrite(source);
        } catch (NetparkException e) {
            source.skip(source.available()); // as above
            failed(e, future);
            return;
        } catch (Throwable e) {
            source.skip(source.available());
            brokeOff(e, future);
            return;
        }
        if (mustWait(outcome, future)) {
            flushing().park(source, future);
        }
    }

    /** What was accepted cannot be kept or written. */
    void failed(NetparkException why, @Nullable PlacedFuture<Void> future) {
        ending.reset(why); // the peer must not take what it has got for all
        fail(future);
    }

    /** As {@link #failed}, for want of memory, say. Part of it may have been written, whatever the caller makes of it. */
    private void brokeOff(Throwable why, @Nullable PlacedFuture<Void> future) {
        ending.brokeOff("its output broke off", why);
        fail(future);
    }

    /** A write has begun. Either all is written, or the rest must wait. */
    private boolean mustWait(int outcome, @Nullable PlacedFuture<Void> future) {
        if (outcome == Descriptor.PARK) {
            idle.touch(); // also if it has taken nothing
            return true;
        }
        if (future != null) {
            tellSoon(future);
        }
        return false;
    }

    /** All is written, and the future not yet returned: who gets it complete would be called back inside this call, again and again. */
    private void tellSoon(PlacedFuture<Void> future) {
        Written tellers = written;
        if (tellers == null) {
            tellers = written = new Written(loop);
        }
        tellers.add(future);
    }

    /** Before futures of later writes are told, those of writes that were taken at once. Runs user code. */
    void tellWritten() {
        Written tellers = written;
        if (tellers != null) {
            tellers.tell();
        }
    }

    /** Everything may have been written, and an end asked for. */
    void finish() {
        if (!isIdle() || !ending.isOpen()) {
            return;
        }
        if (end == NOTHING) {
            owner.mayBeIdle();
            return;
        }
        if (end == CLOSE) {
            ending.endOrderly(null, owner.isInputEnded() ? 0 : lingerNanos);
        } else if (!shutDown) {
            try {
                core.shutdownOutput();
            } catch (NetparkException e) {
                ending.end(e);
                return;
            }
            shutDown = true;
            owner.outputShutDown();
        }
    }

    /** On the loop: goes on with what has been written meanwhile. */
    public void giveBack(boolean andShutdown) {
        if (flushing != null) {
            flushing.giveBack(andShutdown);
        }
    }

    // The end

    /** The connection has ended: nothing that is pending will be written. */
    public void release() {
        loop.countDropped(pendingBytes - pendingOfFiles);
        Flushing last = flushing;
        if (last != null) {
            last.release();
            flushing = null;
        }
        failAll(Submission.inOrder((Submission) SUBMITTED.getAndSet(this, null)));
    }

    private void failAll(@Nullable Submission next) {
        for (; next != null; next = next.next) {
            next.discard();
            fail(next.future);
        }
    }

    void fail(@Nullable PlacedFuture<Void> future) {
        if (future != null) {
            future.tellFailure(ending.closed("write to"));
        }
    }
}
