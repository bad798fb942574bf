package io.netpark.core.net;

import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.fd.Descriptor;
import io.netpark.core.fd.Direction;
import io.netpark.core.fd.Waiter;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.sys.NetparkException;
import java.util.ArrayDeque;
import java.util.concurrent.atomic.AtomicInteger;
import org.jctools.queues.atomic.MpscLinkedAtomicQueue;
import org.jspecify.annotations.Nullable;

/**
 * Writes the frames of many threads to one stream: each whole, in the order of submission, and as many as have gathered
 * meanwhile by one system call. Writing happens on the stream's loop.
 *
 * <p>While it is in use, nothing else may write to the stream.
 */
public final class FrameQueue {

    /** A frame on its way, and who wants to know how it ends. */
    public abstract static class Frame {

        private final LinkBuffer bytes;
        /** The position in the output at which it has been written. */
        private long end;
        private volatile boolean withdrawn;

        /** A frame of the bytes in a buffer, which is the frame's from now on. */
        protected Frame(LinkBuffer bytes) {
            this.bytes = bytes;
        }

        /**
         * Wishes not to be written. Too late if it is on its way: a frame is written whole or not at all. It ends as any
         * other.
         */
        public final void withdraw() {
            withdrawn = true;
        }

        /**
         * The kernel has taken all of it, or it was withdrawn in time, or the stream has failed. On the loop, once, unless
         * the loop has ended: then on any thread.
         *
         * @param failure null if there was none. After a {@link NetparkException} of the stream nothing more can be written: a part
         *     of this or of an earlier frame may have reached the peer. An IllegalStateException if something else was writing, or
         *     a deadline that had passed before it was begun: then nothing of this one has been written, and others can be
         */
        protected abstract void ended(@Nullable Exception failure);
    }

    private static final int WRITES_A_TURN = 128;
    /** Made when there is memory for it. */
    private static final IllegalStateException BROKEN =
            new IllegalStateException("a frame could not be written, as has been reported, and nothing more can be");

    private final ByteStream stream;
    private final MpscLinkedAtomicQueue<Frame> submitted = new MpscLinkedAtomicQueue<>();
    /**
     * Frames submitted since the loop looked last. Who finds 0 sees to it that it looks.
     *
     * <pre>
     *   0 --submit: task on the loop--> n --written, nothing new--> 0
     *                                     --parked; ready---------> n
     * </pre>
     */
    private final AtomicInteger waiting = new AtomicInteger();
    private final Waiter waiter = this::turn;

    // Loop's thread only
    private final ArrayDeque<Frame> writing = new ArrayDeque<>();
    private final LinkBuffer output;
    private long accepted;
    private boolean parked;
    /** Where the last frame ends that has been written whole; what has been written beyond it is a part of one. */
    private long whole;
    private @Nullable Exception failure;

    /** A queue in front of a stream. */
    public FrameQueue(ByteStream stream, LinkBuffer output) {
        this.stream = stream;
        this.output = output;
    }

    /** Submits a frame, on any thread. */
    public void submit(Frame frame) {
        submitted.offer(frame);
        if (waiting.getAndIncrement() == 0) {
            stream.loop().wake(waiter); // here, if the loop has ended, and the stream with it: that only says so
        }
    }

    /** Frames that come in as fast as they are written must not keep the others of the loop waiting. */
    private void turn() {
        long enough = written() + ByteStream.BYTES_A_TURN;
        int seen;
        int writes = 0;
        do {
            seen = waiting.get();
            try {
                collect();
                if (failure == null && !write()) {
                    return; // parked: frames that are submitted meanwhile are counted, and written then
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

    private boolean isTurnOver(int writes, long enough) {
        return writes >= WRITES_A_TURN || written() >= enough;
    }

    private boolean goesOnLater() {
        try {
            return stream.loop().tryExecute(waiter);
        } catch (OutOfMemoryError e) { // there is no task to wait for
            return false;
        }
    }

    private void collect() {
        for (Frame frame; (frame = submitted.peek()) != null; ) {
            writing.add(frame); // from here on it is told of its end, whatever happens
            submitted.poll();
            if (failure != null) {
                continue;
            }
            NetparkException.LimitExceeded refused = null;
            if (!frame.withdrawn) {
                try {
                    long length = frame.bytes.available();
                    output.append(frame.bytes);
                    frame.end = accepted += length;
                    continue;
                } catch (NetparkException.LimitExceeded e) {
                    refused = e;
                }
            }
            writing.removeLast();
            end(frame, refused);
        }
    }

    private void end(Frame frame, @Nullable Exception refused) {
        try {
            frame.bytes.close();
            frame.ended(refused);
        } catch (Throwable e) {
            stream.loop().report("The end of a frame for " + stream + " was told, and that threw", e);
        }
        EventLoop.leaveUserCode();
    }

    /** Returns whether everything has been written, or has failed. */
    private boolean write() {
        while (parked || output.available() > 0) {
            int outcome;
            try {
                outcome = parked ? stream.retryWrite(output) : stream.startWrite(output);
                parked = false;
            } catch (NetparkException e) {
                parked = false;
                tellWritten();
                if (e instanceof NetparkException.TimedOut && written() == whole) {
                    refuseAll(e); // a deadline that has passed between frames, and that a later one may move
                } else {
                    failure = e;
                }
                return true;
            } catch (IllegalStateException e) {
                if (parked) {
                    throw e;
                }
                refuseAll(e); // something else is writing: these have to be sent again, and those that come later can be
                return true;
            }
            tellWritten();
            parked = outcome == Descriptor.PARK;
            if (parked && stream.park(Direction.WRITE, waiter)) {
                return false;
            }
        }
        tellWritten(); // of frames without a byte
        return true;
    }

    private long written() {
        return accepted - output.available();
    }

    private void tellWritten() {
        long written = written();
        for (Frame first; (first = writing.peek()) != null && first.end <= written; ) {
            writing.remove();
            whole = first.end;
            end(first, null);
        }
    }

    /** Nothing of these frames has been written: a part of one is only while the queue is parked, or has failed. */
    private void refuseAll(Exception why) {
        accepted -= output.available();
        output.skip(output.available());
        for (Frame frame; (frame = writing.poll()) != null; ) {
            end(frame, why);
        }
    }

    /** Nobody knows how much of a frame is in the output. */
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
        output.close();
        for (Frame frame; (frame = writing.poll()) != null; ) {
            end(frame, failure);
        }
        for (Frame frame; (frame = submitted.poll()) != null; ) { // for these there was no memory
            end(frame, failure);
        }
    }
}
