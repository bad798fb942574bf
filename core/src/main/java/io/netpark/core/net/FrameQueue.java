package io.netpark.core.net;

import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.fd.Descriptor;
import io.netpark.core.fd.Direction;
import io.netpark.core.fd.Waiter;
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
         * @param failure null if there was none. After one, nothing more can be written: a part of this or of an earlier
         *     frame may have reached the peer. An IllegalStateException if something else was writing
         */
        protected abstract void ended(@Nullable Exception failure);
    }

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
            pass(this::turn);
        }
    }

    private void pass(Runnable task) {
        if (!stream.loop().tryExecute(task)) {
            task.run(); // the loop has ended, and the stream with it: this only says so
        }
    }

    private void turn() {
        int seen;
        do {
            seen = waiting.get();
            collect();
            if (failure == null && !write()) {
                return; // parked: frames that are submitted meanwhile are counted, and written then
            }
            if (failure != null) {
                failAll();
            }
        } while (waiting.addAndGet(-seen) > 0);
    }

    private void collect() {
        for (Frame frame; (frame = submitted.poll()) != null; ) {
            long length = frame.bytes.available();
            boolean withdrawn = frame.withdrawn;
            Exception refused = failure;
            if (refused == null && !withdrawn) {
                try {
                    output.append(frame.bytes);
                } catch (NetparkException.LimitExceeded e) {
                    refused = e;
                }
            }
            if (refused != null || withdrawn) {
                end(frame, refused);
            } else {
                frame.end = accepted += length;
                writing.add(frame);
            }
            frame.bytes.close();
        }
    }

    private void end(Frame frame, @Nullable Exception refused) {
        try {
            frame.ended(refused);
        } catch (Throwable e) {
            stream.loop().report("The end of a frame for " + stream + " was told, and that threw", e);
        }
    }

    /** Returns whether everything has been written, or has failed. */
    private boolean write() {
        while (parked || output.available() > 0) {
            int outcome;
            try {
                outcome = parked ? stream.retryWrite(output) : stream.startWrite(output);
                parked = false;
            } catch (NetparkException | IllegalStateException e) {
                parked = false;
                tellWritten();
                failure = e;
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

    private void tellWritten() {
        long written = accepted - output.available();
        for (Frame first; (first = writing.peek()) != null && first.end <= written; ) {
            writing.remove();
            end(first, null);
        }
    }

    private void failAll() {
        output.close();
        for (Frame frame; (frame = writing.poll()) != null; ) {
            end(frame, failure);
        }
    }
}
