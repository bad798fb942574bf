package io.netpark.core.net.frames;

import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.fd.Descriptor;
import io.netpark.core.fd.Direction;
import io.netpark.core.fd.Waiter;
import io.netpark.core.net.streams.ByteStream;
import io.netpark.core.sys.NetparkException;
import java.util.concurrent.atomic.AtomicInteger;
import org.jctools.queues.atomic.MpscLinkedAtomicQueue;
import org.jspecify.annotations.Nullable;

/**
 * Writes the frames of many threads to one stream: each whole, in the order of submission, and as many as have gathered
 * meanwhile by one system call. Writing happens on the stream's loop.
 *
 * <p>Other writes take turns with the queue. It waits while such a write is going on, and a write that finds frames waiting submits a
 * {@link FrameTurn}, to begin when those before it are written.
 *
 * <p>For Netpark's own adapters.
 */
public final class FrameQueue {

    private static final int WRITES_A_TURN = 128;
    /** As many bytes as one write of a stream takes. */
    private static final int BYTES_A_TURN = 2 * 1024 * 1024;
    /** Made when there is memory for it. */
    private static final IllegalStateException BROKEN =
            new IllegalStateException("a frame could not be written, as has been reported, and nothing more can be");

    private final ByteStream stream;
    private final MpscLinkedAtomicQueue<Frame> submitted = new MpscLinkedAtomicQueue<>();
    /**
     * Frames submitted since the loop looked last. A submission that finds 0 sees to it that the loop looks.
     *
     * <pre>
     *   0 --submit: task on the loop--> n --written, nothing new---------------> 0
     *                                     --parked; ready----------------------> n
     *                                     --another writes; that has ended-----> n
     * </pre>
     */
    private final AtomicInteger waiting = new AtomicInteger();
    private final Waiter waiter = this::turn;
    /** Why nothing can be written any more, though the stream has not said so. */
    private volatile @Nullable Exception broken;

    // Loop's thread only
    private final GatheredFrames gathered;
    private boolean parked;
    /** Taken out of {@link #submitted}; begins when all that is {@link #gathered} has been written. */
    private @Nullable FrameTurn next;
    private @Nullable Exception failure;

    /** A queue in front of a stream. */
    public FrameQueue(ByteStream stream, LinkBuffer output) {
        this.stream = stream;
        this.gathered = new GatheredFrames(stream, output);
    }

    /** Submits a frame, on any thread. */
    public void submit(Frame frame) {
        submitted.offer(frame);
        if (waiting.getAndIncrement() == 0) {
            stream.loop().wake(waiter); // here, if the loop has ended, and the stream with it: that only says so
        }
    }

    /**
     * Fails all frames, also later ones: another write has ended in the middle of something. If the stream knows that, because its
     * output {@linkplain ByteStream#isOutputCutOff is cut off}, it fails frames by itself.
     */
    public void breakOff(Exception why) {
        broken = why;
        stream.passWriteTurn();
    }

    /** Frames that come in as fast as they are written must not keep the others of the loop waiting. */
    private void turn() {
        long enough = gathered.taken() + BYTES_A_TURN;
        int seen;
        int writes = 0;
        do {
            seen = waiting.get();
            try {
                if (!writeAll()) {
                    return; // frames that are submitted meanwhile are counted, and written when the waiter runs
                }
            } catch (Throwable e) { // OutOfMemoryError, say
                fail(e);
            }
            if (failure != null) {
                failAll();
            }
            writes++;
        } while (waiting.addAndGet(-seen) > 0 && !(isTurnOver(writes, enough) && goesOnLater()));
    }

    /** Returns whether all that was submitted has been written, or has failed; otherwise something will run the waiter. */
    private boolean writeAll() {
        boolean goesOn;
        do {
            collect();
            goesOn = next != null;
            if (failure == null && !(write() && (failure != null || passOn()))) {
                return false;
            }
        } while (goesOn && failure == null);
        return true;
    }

    private boolean isTurnOver(int writes, long enough) {
        return writes >= WRITES_A_TURN || gathered.taken() >= enough;
    }

    private boolean goesOnLater() {
        try {
            return stream.loop().tryExecute(waiter);
        } catch (OutOfMemoryError e) { // there is no task to wait for
            return false;
        }
    }

    /** Takes what was submitted, up to a turn. */
    private void collect() {
        if (failure == null) {
            failure = broken;
        }
        for (Frame frame; next == null && (frame = submitted.peek()) != null; ) {
            if (frame instanceof FrameTurn turn && failure == null) {
                next = turn;
                submitted.poll();
                return;
            }
            gathered.add(frame); // from here on it is told of its end, whatever happens
            submitted.poll();
            if (failure == null) {
                gathered.append(frame);
            }
        }
    }

    /** Returns whether everything has been written, or has failed. */
    private boolean write() {
        while (parked || !gathered.isEmpty()) {
            if (!parked && !reserve()) {
                return false;
            }
            if (failure != null) {
                return true;
            }
            parked = false;
            int outcome;
            try {
                outcome = stream.retryWrite(gathered.output());
            } catch (NetparkException e) {
                gathered.tellWritten(stream.unsent());
                if (e instanceof NetparkException.TimedOut && gathered.isBetweenFrames()) {
                    gathered.refuseAll(e); // a deadline that has passed between frames, and that a later one may move
                } else {
                    failure = e;
                }
                return true;
            }
            parked = outcome == Descriptor.PARK;
            gathered.tellWritten(parked ? stream.unsent() : 0);
            if (parked && stream.park(Direction.WRITE, waiter)) {
                return false;
            }
        }
        gathered.tellWritten(0); // of frames without a byte
        return true;
    }

    /**
     * Takes the write lock, or has the waiter run when the lock is to be had. For a stream that takes no writes any more the lock is as
     * good as taken.
     */
    private boolean reserve() {
        while (true) {
            if (!stream.isHeld() && stream.reserve(Direction.WRITE)) {
                boolean wasCutInto = stream.isHeld(); // between the two looks another write has begun, and was broken off
                failure = broken; // looked at last: a write that was broken off, and holds nobody any more, has said so before
                if (!wasCutInto && failure == null) {
                    return true;
                }
                stream.abandon(Direction.WRITE);
                if (failure != null) {
                    return true;
                }
            }
            if (isOver()) {
                return true; // to be told so
            }
            stream.awaitWriteTurn(waiter);
            boolean waits = (stream.isHeld() || stream.isInUse(Direction.WRITE)) && broken == null && !isOver();
            if (waits || !stream.forgoWriteTurn(waiter)) {
                return false;
            }
            if (broken != null) {
                failure = broken;
                return true;
            }
        }
    }

    private boolean isOver() {
        return stream.isClosed() || stream.isOutputCutOff();
    }

    /** Lets another write begin, if one is next. */
    private boolean passOn() {
        FrameTurn turn = next;
        if (turn == null) {
            return true;
        }
        if (!reserve()) {
            return false;
        }
        if (failure != null) {
            return true;
        }
        next = null;
        boolean begun = false;
        try {
            begun = turn.begin();
        } finally {
            if (!begun) {
                stream.abandon(Direction.WRITE);
            }
        }
        return true;
    }

    /** Whatever was thrown, how much of a frame has been appended or written is not known any more. */
    private void fail(Throwable why) {
        failure = broken(why);
        if (parked) {
            parked = false;
            stream.abandon(Direction.WRITE);
        }
        stream.loop().report("Frames for a connection could not be written, and none can be any more", why);
    }

    private static IllegalStateException broken(Throwable why) {
        try {
            return new IllegalStateException(BROKEN.getMessage(), why);
        } catch (OutOfMemoryError e) {
            return BROKEN;
        }
    }

    private void failAll() {
        gathered.failAll(failure);
        FrameTurn turn = next;
        if (turn != null) {
            next = null;
            gathered.end(turn, failure);
        }
        for (Frame frame; (frame = submitted.poll()) != null; ) { // for these there was no memory
            gathered.end(frame, failure);
        }
    }
}
