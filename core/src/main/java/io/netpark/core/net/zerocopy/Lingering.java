package io.netpark.core.net.zerocopy;

import io.netpark.core.linux.Linux;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.loop.Timer;
import io.netpark.core.net.options.NetOption;
import io.netpark.core.net.options.OptionCalls;
import io.netpark.core.net.scratch.Scratch;
import io.netpark.core.poll.Interest;
import io.netpark.core.poll.Pollable;
import io.netpark.core.poll.WokenBatch;
import io.netpark.core.sys.Due;
import io.netpark.core.sys.LibC;
import io.netpark.core.sys.NetparkException;
import java.util.concurrent.TimeUnit;

/**
 * What is left of a connection that was closed while bytes of it were on loan to the kernel. After close(2) there would be no
 * notices, and no way to tell when memory may be used again; so the descriptor stays open, shut down in both directions, which
 * looks to the peer as close(2) does, until everything has come back.
 *
 * <pre>
 *   lingering --all is back--> ended
 *             --nothing acknowledged for so long--> reset --all is back, or nothing comes any more--> ended
 *             --the loop ends--> ended; the kernel goes on sending what is on loan, which is kept for good
 * </pre>
 *
 * A reset throws away what is queued in the socket, and its notices come at once. The notices of packets that the network card holds
 * come when it has sent them.
 *
 * <p>Notices alone would not tell a slow peer from a dead one: there is one for a whole send, which may be all that the socket's
 * buffer holds. So the kernel is asked what the peer has acknowledged (tcp_info).
 *
 * <p>For Netpark's own streams.
 */
public final class Lingering extends Pollable {

    /** Where no event tells of notices: a poller without edges would tell of the hang-up for ever. */
    static final long LOOK_NANOS = 10_000_000;
    /** For a network card to send what it holds. */
    private static final long AFTER_RESET_NANOS = TimeUnit.SECONDS.toNanos(10);

    private final EventLoop loop;
    private final LibC libc;
    private final int fd;
    private final Loans loans;
    private final long patienceNanos;
    private final Timer timer;

    // Loop's thread only
    private long progressed;
    private long acknowledged;
    private boolean reset;
    private boolean ended;

    private Lingering(EventLoop loop, int fd, Loans loans) {
        this.loop = loop;
        this.libc = loop.libc();
        this.fd = fd;
        this.loans = loans;
        this.progressed = loop.clock().nanoTime();
        this.patienceNanos = Math.min(Due.nanos(loans.how().linger()), TimeUnit.DAYS.toNanos(1));
        this.timer = loop.newTimer(this::look);
    }

    /**
     * Takes over a connection's descriptor that is about to be closed, and that nothing uses or watches any more. On any thread.
     *
     * @return whether it is closed later, by this; otherwise it has to be closed
     */
    public static boolean begin(EventLoop loop, int fd, Loans loans) {
        LibC libc = loop.libc();
        loans.collect(libc, fd);
        if (loans.isEmpty()) {
            return false;
        }
        Lingering lingering = new Lingering(loop, fd, loans);
        if (lingering.isToBeReset()) {
            lingering.reset();
        } else {
            libc.shutdown(fd, Linux.SHUT_RDWR);
        }
        lingering.acknowledged = lingering.acknowledged();
        Runnable look = lingering::look; // before it is watched: from then on it must not fail, as the descriptor would have two owners
        try {
            loop.poller().add(fd, lingering, Interest.EDGE);
        } catch (NetparkException e) { // the loop has ended
            loans.keep();
            return false;
        }
        try {
            loop.tryExecute(look); // a loop that does not take it has closed what it watched
        } catch (Throwable e) {
            loop.report("What has been closed with bytes on loan waits for its next event", e);
        }
        return true;
    }

    /** Bytes that the peer has acknowledged. */
    private long acknowledged() {
        try {
            return OptionCalls.get(libc, fd, OptionCalls.TCP_INFO).bytesAcknowledged();
        } catch (NetparkException e) {
            return acknowledged;
        }
    }

    /** Whether close(2) would reset the connection: that was asked for, or bytes have come that were not read. */
    private boolean isToBeReset() {
        Scratch scratch = Scratch.take();
        try {
            return OptionCalls.get(libc, fd, NetOption.LINGER).isZero()
                    || libc.recv(fd, scratch.address(Scratch.VALUE), 1, Linux.MSG_PEEK | Linux.MSG_DONTWAIT) > 0;
        } catch (NetparkException e) {
            return false;
        } finally {
            scratch.giveBack();
        }
    }

    private void reset() {
        reset = true;
        disconnect(libc, fd);
    }

    /**
     * Resets a connection by a connect(2) to nowhere. Unlike close(2) that leaves the notices to be read, and is for every process that
     * has the socket.
     */
    public static void disconnect(LibC libc, int fd) {
        Scratch scratch = Scratch.take();
        try {
            scratch.memory().putLong(Scratch.SOCKADDR, Linux.AF_UNSPEC).putLong(Scratch.SOCKADDR + 8, 0);
            libc.connect(fd, scratch.address(Scratch.SOCKADDR), 16);
        } finally {
            scratch.giveBack();
        }
    }

    @Override
    public void ready(int readiness, WokenBatch woken) {
        look();
    }

    private void look() {
        if (ended) {
            return;
        }
        long now = loop.clock().nanoTime();
        if (loans.collect(libc, fd)) {
            progressed = now;
        } else if (now - progressed >= patienceNanos && !reset) {
            long before = acknowledged;
            acknowledged = acknowledged();
            if (acknowledged == before) {
                reset();
                loans.collect(libc, fd);
            }
            progressed = now;
        }
        long patience = reset ? Math.max(patienceNanos, AFTER_RESET_NANOS) : patienceNanos;
        if (loans.isEmpty() || reset && now - progressed >= patience) {
            end();
        } else {
            timer.arm(loop.poller().edgeTriggered() ? progressed + patience : now + LOOK_NANOS);
        }
    }

    private void end() {
        if (ended) {
            return;
        }
        ended = true;
        try {
            loans.keep();
            timer.disarm();
            loop.poller().remove(fd, this);
        } finally { // also without memory
            libc.close(fd);
        }
    }

    @Override
    public void pollerClosed(WokenBatch woken) {
        if (!ended) {
            loans.collect(libc, fd);
            end();
        }
    }

    @Override
    public String toString() {
        return "what is left of a connection, " + loans.count().onLoan() + " sends on loan";
    }
}
