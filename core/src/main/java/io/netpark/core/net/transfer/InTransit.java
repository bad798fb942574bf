package io.netpark.core.net.transfer;

import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.buffer.SegmentPool;
import io.netpark.core.loop.PipePool;
import io.netpark.core.net.streams.ConnectionDescriptor;
import io.netpark.core.net.streams.Splicing;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.Pipe;
import org.jspecify.annotations.Nullable;

/**
 * Bytes that have been taken from a source and that the target has not got yet: in a pipe, which they enter and leave by splice(2)
 * without being copied, or in segments, by read and write. Which of the two, each read decides:
 *
 * <pre>
 *   COPYING --a read brought {@value #LUMP} bytes-----------------------------> SPLICING
 *   SPLICING --a splice brought less than {@value #TRICKLE}-------------------> COPYING
 *            --no pipe is to be had-----------------------------------> COPYING, for {@value #WITHOUT_PIPE} bytes
 *            --the kernel does not splice these sockets---------------> COPYING for good
 * </pre>
 *
 * <p>A pipe is taken when a stream is spliced, and given back before anything waits for bytes; so is the memory of the segments. The
 * rules of splicing are those of Go's internal/poll/splice_linux.go; when to splice is HAProxy's idea.
 *
 * <p>For one thread at a time: whichever runs the transfer.
 */
final class InTransit {

    /** Reads that bring this are of a stream that is worth splicing: from 32 KiB on it took 0.75 to 0.85 of the CPU of copying. */
    private static final int LUMP = SegmentPool.LARGEST / 2;
    /** A splice of less than this is not worth its pipe: of 8, 16 or 24 KiB it took 0.92 to 1.05 of the CPU of copying. */
    private static final int TRICKLE = 16 * 1024;
    /** So much is copied before a pipe is asked for again, after there was none. */
    private static final int WITHOUT_PIPE = 4 << 20;

    private final ConnectionDescriptor source;
    private final ConnectionDescriptor target;
    private final PipePool pipes;
    private final LinkBuffer segments;
    private @Nullable Pipe pipe;
    /** A stream that comes in lumps. */
    private boolean splicing;
    private boolean neverSplice;
    /** How much has been read when a pipe is asked for again. */
    private long copyUntil;

    InTransit(ConnectionDescriptor source, ConnectionDescriptor target, SegmentPool pool) {
        this.source = source;
        this.target = target;
        this.pipes = source.loop().pipes();
        this.segments = new LinkBuffer(pool);
    }

    /** Takes the first bytes of a buffer, as if they had just been read. */
    void take(LinkBuffer bytes, long count) throws NetparkException.LimitExceeded {
        segments.append(bytes, count);
    }

    long size() {
        return segments.available() + (pipe == null ? 0 : pipe.size());
    }

    /**
     * A read of the source, of at most so many bytes. To be called only if it is empty.
     *
     * @param before how much has been read before
     * @return as {@link ConnectionDescriptor#startRead}
     */
    int fill(long most, long before, boolean retry) throws NetparkException {
        int read = splices(before) ? splice(most, retry) : copy(most, retry);
        return read == Splicing.NOT_SPLICED ? copy(most, false) : read;
    }

    /** Takes a pipe if there is none yet. */
    private boolean splices(long before) {
        if (!splicing || neverSplice || before < copyUntil) {
            giveBackPipe();
            return false;
        }
        if (pipe == null) {
            pipe = pipes.take();
        }
        if (pipe == null) {
            copyUntil = before + WITHOUT_PIPE;
            return false;
        }
        return true;
    }

    private int splice(long most, boolean retry) throws NetparkException {
        Pipe into = pipe;
        assert into != null;
        int read = 0;
        try {
            read = Splicing.fill(source, retry, into, most);
        } finally {
            if (read <= 0) {
                giveBackPipe(); // what waits for bytes holds nothing
            }
        }
        if (read == Splicing.NOT_SPLICED) {
            neverSplice = true;
        } else if (read > 0 && read < TRICKLE) {
            splicing = false;
        }
        return read;
    }

    private int copy(long most, boolean retry) throws NetparkException {
        int read = Splicing.read(source, retry, segments, most);
        if (read >= LUMP) {
            splicing = true;
        }
        return read;
    }

    /**
     * A write to the target.
     *
     * @return {@link ConnectionDescriptor#PARK}; {@link Splicing#NOT_SPLICED} if nothing has been written, and the next
     *     write copies; else how many bytes
     */
    int empty(boolean retry) throws NetparkException {
        Pipe from = pipe;
        if (from == null || from.size() == 0) {
            return Splicing.empty(target, retry, segments);
        }
        int result = Splicing.empty(target, retry, from);
        if (result == Splicing.NOT_SPLICED) {
            neverSplice = true;
            rescue(from);
            giveBackPipe();
        }
        return result;
    }

    /** The target cannot be spliced to, or takes no more, and the bytes are in the pipe by now: they go into segments. */
    private void rescue(Pipe from) throws NetparkException {
        while (from.size() > 0) {
            long address = segments.openRoom();
            long read = 0;
            try {
                read = from.read(address, segments.roomSize());
            } finally {
                segments.filled((int) Math.max(0, read));
            }
            if (read < 0) {
                throw NetparkException.of((int) -read, "read from a pipe with bytes for " + target);
            }
        }
    }

    /** All that is in transit, to be taken out: in segments. */
    LinkBuffer unwritten() throws NetparkException {
        Pipe from = pipe;
        if (from != null) {
            rescue(from);
        }
        return segments;
    }

    /** Before others have their turn, and before anything waits for bytes. One with bytes in it is destroyed. */
    void giveBackPipe() {
        Pipe over = pipe;
        if (over != null) {
            pipe = null;
            pipes.giveBack(over);
        }
    }

    /** The end: what is still in transit is lost. */
    void close() {
        giveBackPipe();
        segments.close();
    }
}
