package io.netpark.core.net;

import io.netpark.core.loop.EventLoop;
import io.netpark.core.loop.Timer;
import io.netpark.core.poll.Interest;
import io.netpark.core.poll.Pollable;
import io.netpark.core.poll.WokenBatch;
import io.netpark.core.sys.LibC;
import io.netpark.core.sys.Linux;
import io.netpark.core.sys.NetparkException;
import java.time.Duration;

/**
 * What is left of a connection that was closed while bytes of it were on loan to the kernel. After close(2) there would be no
 * notices, and no way to tell when memory may be used again; so the socket lives on under another number, shut down in both
 * directions, which looks to the peer as close(2) does, until everything has come back.
 *
 * <pre>
 *   lingering --all is back--> ended
 *             --no progress for so long--> reset --all is back, or no progress again--> ended
 *             --the loop ends--> ended; the kernel goes on sending what is on loan, which is kept for good
 * </pre>
 *
 * A reset throws away what is queued in the socket, and its notices come at once; those of packets that the network card holds
 * come when it has sent them.
 */
final class Lingering extends Pollable {

    /** Where no event tells of notices: a poller without edges would tell of the hang-up for ever. */
    static final long LOOK_NANOS = 10_000_000;

    private final EventLoop loop;
    private final LibC libc;
    private final int fd;
    private final Loans loans;
    private final long patienceNanos;
    private final Timer timer;

    // Loop's thread only
    private long progressed = System.nanoTime();
    private boolean reset;
    private boolean ended;

    private Lingering(EventLoop loop, int fd, Loans loans) {
        this.loop = loop;
        this.libc = loop.libc();
        this.fd = fd;
        this.loans = loans;
        this.patienceNanos = loans.how().linger().compareTo(Duration.ofDays(1)) > 0
                ? Duration.ofDays(1).toNanos() : loans.how().linger().toNanos();
        this.timer = loop.newTimer(this::look);
    }

    /** A connection's descriptor is about to be closed, and nobody uses it any more. On any thread. */
    static void begin(EventLoop loop, int closing, Loans loans) {
        LibC libc = loop.libc();
        loans.collect(libc, closing);
        if (loans.isEmpty()) {
            return;
        }
        int fd = libc.fcntl(closing, Linux.F_DUPFD_CLOEXEC, 0);
        if (fd < 0) {
            loans.keep(); // no number to be had
            return;
        }
        Lingering lingering = new Lingering(loop, fd, loans);
        if (lingering.isToBeReset()) {
            lingering.reset();
        } else {
            libc.shutdown(fd, Linux.SHUT_RDWR);
        }
        try {
            loop.poller().add(fd, lingering, Interest.EDGE);
        } catch (NetparkException e) { // the loop has ended
            loans.keep();
            libc.close(fd);
            return;
        }
        if (!loop.tryExecute(lingering::look)) {
            lingering.end();
        }
    }

    /** As close(2) does: if that was asked for, or if bytes have come that nobody has read. */
    private boolean isToBeReset() {
        Scratch scratch = Scratch.take();
        try {
            return SocketOptions.get(libc, fd, SocketOption.LINGER).isZero()
                    || libc.recv(fd, scratch.address(Scratch.VALUE), 1, Linux.MSG_PEEK | Linux.MSG_DONTWAIT) > 0;
        } catch (NetparkException e) {
            return false;
        } finally {
            scratch.giveBack();
        }
    }

    /** By a connect(2) to nowhere, which unlike close(2) leaves the notices to be read. */
    private void reset() {
        reset = true;
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
        long now = System.nanoTime();
        if (loans.collect(libc, fd)) {
            progressed = now;
        } else if (now - progressed >= patienceNanos && !reset) {
            reset();
            progressed = now;
            loans.collect(libc, fd);
        }
        if (loans.isEmpty() || now - progressed >= patienceNanos) {
            end();
        } else {
            timer.arm(loop.poller().edgeTriggered() ? progressed + patienceNanos : now + LOOK_NANOS);
        }
    }

    private void end() {
        ended = true;
        loans.keep();
        timer.disarm();
        loop.poller().remove(fd, this);
        libc.close(fd);
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
