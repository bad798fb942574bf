package io.netpark.callback.poller;

import io.netpark.core.poll.Readiness;

/**
 * What was found about a descriptor. An immutable value out of a fixed set, so that reporting costs no memory. A hint:
 * it may be out of date, and only the system call that follows tells the truth.
 */
public final class Events {

    private static final int LOW_BITS = 5;
    private static final Events[] ALL = new Events[1 << LOW_BITS + 2];

    static {
        for (int i = 0; i < ALL.length; i++) {
            ALL[i] = new Events(i & (1 << LOW_BITS) - 1
                    | ((i & 1 << LOW_BITS) != 0 ? Readiness.READ_CLOSED : 0)
                    | ((i & 1 << LOW_BITS + 1) != 0 ? Readiness.POLLER_CLOSED : 0));
        }
    }

    /** The last event of every callback whose poller is closed. */
    public static final Events POLLER_CLOSED = of(Readiness.POLLER_CLOSED);

    private final int readiness;
    private final String names;

    private Events(int readiness) {
        this.readiness = readiness;
        this.names = Readiness.describe(readiness);
    }

    /** The value for bits of {@link Readiness}; others do not count. */
    static Events of(int readiness) {
        return ALL[readiness & (1 << LOW_BITS) - 1
                | ((readiness & Readiness.READ_CLOSED) != 0 ? 1 << LOW_BITS : 0)
                | ((readiness & Readiness.POLLER_CLOSED) != 0 ? 1 << LOW_BITS + 1 : 0)];
    }

    /** There is something to read, or to accept, or the end of the stream. */
    public boolean isReadable() {
        return has(Readiness.READABLE);
    }

    /** There is room to write. */
    public boolean isWritable() {
        return has(Readiness.WRITABLE);
    }

    /** The peer has shut down its sending side. Bytes may still be waiting: read until the end of the stream. */
    public boolean isReadClosed() {
        return has(Readiness.READ_CLOSED);
    }

    /** Both directions are shut down, or the other end of a pipe is closed. Bytes may still be waiting. */
    public boolean isHangup() {
        return has(Readiness.HANGUP);
    }

    /** An error is pending; the next system call reports it. */
    public boolean isError() {
        return has(Readiness.ERROR);
    }

    /** The poller was closed; nothing more will be reported. */
    public boolean isPollerClosed() {
        return has(Readiness.POLLER_CLOSED);
    }

    private boolean has(int bit) {
        return (readiness & bit) != 0;
    }

    /** The names, such as {@code READABLE|READ_CLOSED}. */
    @Override
    public String toString() {
        return names;
    }
}
