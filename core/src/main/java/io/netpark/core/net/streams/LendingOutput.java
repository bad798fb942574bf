package io.netpark.core.net.streams;

import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.linux.Linux;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.net.options.NetOption;
import io.netpark.core.net.zerocopy.Loans;
import io.netpark.core.net.zerocopy.ZeroCopy;
import io.netpark.core.poll.Readiness;
import io.netpark.core.poll.WokenBatch;
import io.netpark.core.sys.NetparkException;
import org.jspecify.annotations.Nullable;

/**
 * What the kernel has on loan of a stream's output: large {@link LinkBuffer}s that are sent without a copy, if that is
 * {@linkplain #setZeroCopy asked for}.
 *
 * <p>A notice that bytes are given back raises EPOLLERR. {@link #ready} reads the notices there and takes the bit away, so that a
 * notice wakes nobody and leaves no sticky readiness. Where the poller reports no edges a timer {@linkplain #look looks}.
 */
public abstract sealed class LendingOutput extends ByteInput permits ByteOutput {

    private static final NetOption<Boolean> ZERO_COPY =
            NetOption.ofFlag("SO_ZEROCOPY", Linux.SOL_SOCKET, Linux.SO_ZEROCOPY);

    /** Made when first set. */
    volatile @Nullable Loans loans;

    LendingOutput(EventLoop loop, int fd) {
        super(loop, fd);
    }

    /**
     * Whether large {@link LinkBuffer}s are sent without a copy from now on; see {@link ZeroCopy} for when that pays, and for what
     * it means to the buffers' memory.
     *
     * @throws NetparkException if the kernel does not do it for such a socket: only for TCP, from Linux 4.14 on
     * @throws NetparkException.Closed if the connection is closed
     * @throws IllegalStateException if SO_ZEROCOPY is set already, by an earlier owner of the descriptor: the kernel goes on
     *     counting sends from there
     */
    public final void setZeroCopy(ZeroCopy how) throws NetparkException {
        synchronized (this) {
            Loans known = loans;
            if (known != null) {
                known.set(how);
            } else if (how.threshold() > 0) {
                requireZeroCopy();
                known = new Loans(loop(), this::look);
                known.set(how);
                loans = known;
            }
        }
    }

    private void requireZeroCopy() throws NetparkException {
        try {
            if (getOption(ZERO_COPY)) {
                throw new IllegalStateException("ask for zero copy on " + this + ": it has SO_ZEROCOPY set already");
            }
            setOption(ZERO_COPY, true);
        } catch (NetparkException.SystemError e) {
            throw NetparkException.of(e.errno(), "ask for zero copy on " + this + ", which only TCP has, from Linux 4.14 on");
        }
    }

    /** How many sends had their bytes lent to the kernel, and what became of them. */
    public final ZeroCopy.Count zeroCopyCount() {
        return Loans.count(loans);
    }

    /**
     * Notices raise EPOLLERR, which is not an error then and does not last. A real error of TCP comes with EPOLLHUP (tcp_done() of
     * the kernel), or is all that there is.
     */
    @Override
    public final void ready(int readiness, WokenBatch woken) {
        if ((readiness & Readiness.ERROR) != 0 && loans != null && collectGuarded() && (readiness & Readiness.HANGUP) == 0
                && loop().poller().edgeTriggered()) { // without edges every report has to be answered
            readiness &= ~Readiness.ERROR;
        }
        super.ready(readiness, woken);
    }

    /** Whatever happens to the loans, operations that are parked here must be woken. */
    private boolean collectGuarded() {
        try {
            return collect();
        } catch (Throwable e) {
            loop().report("Taking back what " + this + " had lent failed", e);
            return false;
        }
    }

    /** Takes what the kernel gives back. Returns whether that was anything. */
    private boolean collect() {
        Loans known = loans;
        if (known == null || !tryAcquire()) {
            return false;
        }
        try {
            return known.collect(libc(), fd());
        } finally {
            release();
        }
    }

    private void look() {
        collect();
        Loans known = loans;
        if (known != null && !isClosed()) {
            known.lookSoon();
        }
    }

    /** Gives up the descriptor, unless memory would be lost: the notices would be another's. */
    final void surrenderUnlent(String operation) throws NetparkException.Closed {
        collect();
        Loans known = loans;
        if (known != null && !known.isEmpty()) {
            throw new IllegalStateException(operation + ": the kernel has " + known.count().onLoan()
                    + " sends on loan; try again when zeroCopyCount says that they are back");
        }
        surrender(operation);
        if (known != null) {
            known.keep();
        }
    }
}
