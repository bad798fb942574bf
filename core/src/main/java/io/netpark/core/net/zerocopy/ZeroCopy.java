package io.netpark.core.net.zerocopy;

import java.time.Duration;
import java.util.Objects;

/**
 * Whether a connection sends large buffers without a copy (MSG_ZEROCOPY, Documentation/networking/msg_zerocopy.rst of Linux).
 * Immutable; off unless {@linkplain io.netpark.core.net.streams.ByteStream#setZeroCopy set}.
 *
 * <p>It is about what lies in a {@link io.netpark.core.buffer.LinkBuffer}: its segments, and direct buffers that are
 * {@linkplain io.netpark.core.buffer.BufferWriter#link linked} into it. The kernel sends them from where they are, and again if a
 * packet is lost, so they are on loan to it after the write has returned: until the peer has acknowledged them and the kernel
 * has said so. Only then a segment goes back to its pool, or the owner of a linked buffer is told that it is free. Nobody waits
 * for that: a write ends, as ever, when the kernel has taken the bytes. A linked buffer that is changed before it is told free
 * changes what the peer gets.
 *
 * <p>A write of a buffer that is <i>not</i> linked copies, always. It promises that the bytes are the caller's again when it
 * ends; to keep that it would have to wait for the peer's acknowledgement, which may take a round trip and 40 ms of
 * delay, and after a cancellation nobody could tell when the bytes are free.
 *
 * <p>Pages are pinned and notices have to be read for each send: that has cost 2 to 4 µs where it was measured, as much as
 * copying 16 to 32 KiB. And the copy is saved only where a network card sends; on the loopback device, and between network
 * namespaces and containers of one machine, the kernel copies when it receives, and it has cost more than without. It says so,
 * and after {@link #patience} such sends in a row the connection stops asking.
 *
 * <p>A connection with TLS makes no use of it: what it sends are records, which are made of a copy anyway.
 *
 * @param threshold bytes of a system call from which it is asked for, at least 1; 0 for never
 * @param patience after so many sends in a row that were copied all the same, or refused for want of memory, the connection asks
 *     no more, until it is set again
 * @param linger a connection that is closed while bytes are on loan keeps its descriptor until they are
 *     acknowledged; when for so long none has been, it is reset
 */
public record ZeroCopy(int threshold, int patience, Duration linger) {

    private static final int SENDS = 32;
    private static final Duration A_MINUTE = Duration.ofMinutes(1);

    /** Everything is copied. What is on loan stays so until it is acknowledged. */
    public static final ZeroCopy OFF = new ZeroCopy(0, SENDS, A_MINUTE);

    /** Checks its values. */
    public ZeroCopy {
        if (threshold < 0 || patience < 1) {
            throw new IllegalArgumentException("zero copy from " + threshold + " bytes, with a patience of " + patience + " sends");
        }
        if (Objects.requireNonNull(linger, "linger").isNegative()) {
            throw new IllegalArgumentException("a time cannot be negative: " + linger);
        }
    }

    /**
     * For what has at least so many bytes, with a patience of 32 sends, and lingering for a minute.
     *
     * @param threshold in bytes; less than 64 KiB hardly ever pays ({@code bench/run zerocopy} has figures)
     */
    public static ZeroCopy from(int threshold) {
        if (threshold < 1) {
            throw new IllegalArgumentException("zero copy from " + threshold + " bytes");
        }
        return new ZeroCopy(threshold, SENDS, A_MINUTE);
    }

    /** With another patience; {@link Integer#MAX_VALUE} asks for ever, to measure what that costs. */
    public ZeroCopy withPatience(int sends) {
        return new ZeroCopy(threshold, sends, linger);
    }

    /** With another time for what is on loan when the connection is closed. */
    public ZeroCopy withLinger(Duration time) {
        return new ZeroCopy(threshold, patience, time);
    }

    /**
     * What a connection has sent so, up to an instant.
     *
     * @param sends system calls that lent their bytes to the kernel
     * @param returned how many of those it has given back
     * @param copied how many of the returned ones it has copied all the same
     * @param refused calls that the kernel had no memory for (ENOBUFS: {@code net.core.optmem_max}, or RLIMIT_MEMLOCK), and
     *     that were copied instead
     * @param asking whether a send that is large enough will ask for it
     */
    public record Count(long sends, long returned, long copied, long refused, boolean asking) {

        static final Count NONE = new Count(0, 0, 0, 0, false);

        /** How many sends are on loan now. */
        public long onLoan() {
            return sends - returned;
        }
    }
}
