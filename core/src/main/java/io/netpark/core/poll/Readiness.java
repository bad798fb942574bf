package io.netpark.core.poll;

import io.netpark.core.linux.Linux;

/**
 * What a wait found, as a bit set with the kernel's own values (those of epoll and poll are the same). Readiness is
 * a hint: it may be stale or spurious, and only the system call that follows tells the truth.
 */
public final class Readiness {

    /** There is something to read, or to accept. */
    public static final int READABLE = Linux.EPOLLIN;
    /** There is room to write. */
    public static final int WRITABLE = Linux.EPOLLOUT;
    /** The peer has shut down its sending side; bytes may still be waiting to be read. */
    public static final int READ_CLOSED = Linux.EPOLLRDHUP;
    /** Both directions are shut down. */
    public static final int HANGUP = Linux.EPOLLHUP;
    /** An error is pending; the next system call reports it. */
    public static final int ERROR = Linux.EPOLLERR;
    /** TCP urgent data: a read stops short at its mark, although more follows (tcp(7)). */
    public static final int URGENT = Linux.EPOLLPRI;
    /** Not the kernel's: the poller was closed and will report nothing more. */
    public static final int POLLER_CLOSED = 0x8000;

    /** Any of these lets a read make progress. */
    public static final int WAKES_READER = READABLE | READ_CLOSED | HANGUP | ERROR;
    /** Any of these lets a write make progress. A half-close by the peer does not: writing to it still works. */
    public static final int WAKES_WRITER = WRITABLE | HANGUP | ERROR;
    /** After one of these a short read no longer means that everything has been read. They stay true once they are. */
    public static final int STICKY = READ_CLOSED | HANGUP | ERROR | URGENT;

    private static final int[] BITS = {READABLE, WRITABLE, READ_CLOSED, HANGUP, ERROR, URGENT, POLLER_CLOSED};
    private static final String[] NAMES =
            {"READABLE", "WRITABLE", "READ_CLOSED", "HANGUP", "ERROR", "URGENT", "POLLER_CLOSED"};

    private Readiness() {}

    /** The names of the bits, such as {@code READABLE|READ_CLOSED}; {@code NONE} for 0. */
    public static String describe(int readiness) {
        StringBuilder names = new StringBuilder();
        for (int i = 0; i < BITS.length; i++) {
            if ((readiness & BITS[i]) != 0) {
                names.append(names.isEmpty() ? "" : "|").append(NAMES[i]);
            }
        }
        return names.isEmpty() ? "NONE" : names.toString();
    }
}
