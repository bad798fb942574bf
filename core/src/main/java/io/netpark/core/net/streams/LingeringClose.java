package io.netpark.core.net.streams;

import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.linux.Linux;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.loop.Timer;
import io.netpark.core.net.scratch.Scratch;
import io.netpark.core.net.zerocopy.Lingering;
import io.netpark.core.net.zerocopy.Loans;
import io.netpark.core.poll.Interest;
import io.netpark.core.poll.Pollable;
import io.netpark.core.poll.Readiness;
import io.netpark.core.poll.WokenBatch;
import io.netpark.core.sys.Errno;
import io.netpark.core.sys.LibC;
import io.netpark.core.sys.NetparkException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * What is left of a connection that was closed while its peer may still be sending. close(2) answers unread bytes with a reset, and a
 * reset takes from the peer what it has not read yet: the answer, mostly (nginx's lingering_close). Or records of TLS are left, close_notify
 * the last of them, for which the socket had no room: without that the peer takes the stream for cut off.
 *
 * <pre>
 *   sending the rest, if there is one --all is sent--> what has come is thrown away, and with the
 *       output ended, reading goes on, if the connection was closed so
 *   any of these --the peer's end, an error, bytes or time at their limit, the loop ends--> closed
 * </pre>
 *
 * <p>The registration is level-triggered: each turn takes a little, and the poller remembers the rest.
 */
final class LingeringClose extends Pollable {

    /** How many bytes are thrown away at most, and for how long. */
    record Limit(long bytes, long nanos) {
        Limit {
            if (bytes < 0 || nanos < 0) {
                throw new IllegalArgumentException("a limit cannot be negative: " + bytes + " bytes, " + nanos + " ns");
            }
        }

        boolean isNone() {
            return bytes == 0 || nanos == 0;
        }
    }

    /** In the place of a limit that is in use. */
    static final Limit BEGUN = new Limit(0, 0);

    private static final int READS_A_TURN = 4;
    /** How much is thrown away of what has come while the rest was sent, where the connection was not closed to linger. */
    private static final long UNREAD_BYTES = 64 * 1024;
    /** How long the peer has to make room for the rest. */
    private static final long REST_NANOS = TimeUnit.SECONDS.toNanos(10);

    private final EventLoop loop;
    private final LibC libc;
    private final int fd;
    private final long nanos;
    /** What is to be sent; null when that is done. The thread that begins, then the loop's only. */
    private @Nullable LinkBuffer rest;
    private final @Nullable Loans loans;
    private final Runnable released;
    private final Timer timer;
    /** How many bytes may still be thrown away. The thread that begins, then the loop's only. */
    private long bytesLeft;
    /** Its time runs. Loop's thread only, as the next. */
    private boolean started;
    private boolean ended;

    private LingeringClose(EventLoop loop, int fd, Limit limit, @Nullable LinkBuffer rest, @Nullable Loans loans, Runnable released) {
        this.loop = loop;
        this.libc = loop.libc();
        this.fd = fd;
        this.nanos = limit.nanos;
        this.bytesLeft = limit.bytes;
        this.rest = rest;
        this.loans = loans;
        this.released = released;
        this.timer = loop.newTimer(this::end);
    }

    /**
     * Takes over a connection's descriptor that is about to be closed, and that nothing uses or watches any more. On any thread.
     *
     * @param limit of what is thrown away; null for nothing
     * @param rest what is to be sent first, which belongs to this from now on; null for nothing
     * @param loans what the kernel has on loan of it
     * @param released told when it is closed
     * @return whether it is closed later, by this; otherwise it has to be closed
     */
    static boolean begin(EventLoop loop, int fd, @Nullable Limit limit, @Nullable LinkBuffer rest, @Nullable Loans loans,
            Runnable released) {
        boolean begun = false;
        try {
            Limit known = limit == null ? BEGUN : limit;
            if (loop.isShutdown() || rest == null && known.isNone()) {
                return false;
            }
            LingeringClose closing = new LingeringClose(loop, fd, known, rest, loans, released);
            Runnable start = closing::start;
            if (rest == null && closing.isOverAfterEnd()) {
                return false;
            }
            loop.poller().add(fd, closing, rest == null ? Interest.READ : Interest.WRITE);
            begun = true;
            try {
                loop.tryExecute(start); // a loop that does not take it has closed what it watched
            } catch (Throwable e) { // the descriptor is its own by now
                loop.report("The time of what is left of a connection begins with its next event", e);
            }
            return true;
        } catch (NetparkException | OutOfMemoryError e) { // the loop has ended, or there is no room to be polite
            return begun;
        } finally {
            if (!begun && rest != null) {
                rest.close();
            }
        }
    }

    private void start() {
        if (!started && !ended) {
            started = true;
            timer.arm(loop.clock().after(rest == null ? nanos : REST_NANOS));
        }
    }

    /** Sends some of the rest. Returns whether there is nothing more to be sent, or nothing more can be. */
    private boolean isRestOver(LinkBuffer rest) {
        while (rest.available() > 0) {
            long sent = libc.send(fd, rest.firstAddress(), rest.firstLength(), Linux.MSG_NOSIGNAL);
            if (sent >= 0) {
                rest.skip(sent);
            } else if (sent == -Errno.EAGAIN) {
                return false;
            } else if (sent != -Errno.EINTR) {
                return true;
            }
        }
        return true;
    }

    /** The rest is sent: goes on with what comes after it. */
    private void endRest(LinkBuffer sent) throws NetparkException {
        sent.close();
        rest = null;
        if (bytesLeft == 0 || nanos == 0) {
            bytesLeft = UNREAD_BYTES; // what has come by now would have close(2) drop the rest, which the kernel has only just got
            isOver();
            end();
            return;
        }
        if (isOverAfterEnd()) {
            end();
            return;
        }
        timer.arm(loop.clock().after(nanos));
        loop.poller().modify(fd, this, Interest.READ);
    }

    /** Ends the output. Returns whether there is no reason to wait for the peer. */
    private boolean isOverAfterEnd() {
        return libc.shutdown(fd, Linux.SHUT_WR) < 0 || isOver();
    }

    /** Throws away some of what has come. Returns whether there is no reason to wait for more. */
    private boolean isOver() {
        Scratch scratch = Scratch.take();
        try {
            for (int reads = 0; reads < READS_A_TURN; ) {
                long asked = Math.min(bytesLeft, Scratch.CAPACITY);
                long read = libc.recv(fd, scratch.address(Scratch.BYTES), asked, Linux.MSG_DONTWAIT);
                if (read > 0) {
                    bytesLeft -= read;
                    if (bytesLeft == 0) {
                        return true;
                    }
                    reads++;
                } else if (read == -Errno.EAGAIN) {
                    return false;
                } else if (read != -Errno.EINTR) {
                    return true;
                }
            }
            return false;
        } finally {
            scratch.giveBack();
        }
    }

    @Override
    public void ready(int readiness, WokenBatch woken) {
        if (ended) {
            return;
        }
        start();
        if ((readiness & Readiness.ERROR) != 0 && loans != null) {
            loans.collect(libc, fd); // or its notices would be reported by every wait
        }
        LinkBuffer unsent = rest;
        if (unsent != null) {
            if (isRestOver(unsent)) {
                try {
                    endRest(unsent);
                } catch (NetparkException e) {
                    end();
                }
            } else if ((readiness & (Readiness.ERROR | Readiness.HANGUP)) != 0) {
                end();
            }
            return;
        }
        if (isOver() || (readiness & Readiness.ERROR) != 0 && loans == null) {
            end();
        }
    }

    @Override
    public void pollerClosed(WokenBatch woken) {
        end();
    }

    private void end() {
        if (ended) {
            return;
        }
        ended = true;
        boolean handedOver = false;
        try { // where there is no memory for one of these, the descriptor is closed all the same
            timer.disarm();
            if (rest != null) {
                rest.close();
            }
            loop.poller().remove(fd, this);
            handedOver = loans != null && Lingering.begin(loop, fd, loans);
        } finally {
            if (!handedOver) {
                libc.close(fd);
            }
            released.run();
        }
    }

    @Override
    public String toString() {
        return "what is left of a connection that its peer has not ended";
    }
}
