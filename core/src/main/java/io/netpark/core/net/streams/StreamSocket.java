package io.netpark.core.net.streams;

import io.netpark.core.loop.EventLoop;
import io.netpark.core.poll.Readiness;
import io.netpark.core.poll.WokenBatch;
import io.netpark.core.sys.NetparkException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A stream whose peer can be watched without reading or writing: a {@link PeerWatch} is told when the peer has gone. The watches of
 * a stream are a list, linked through the watches themselves, which is told from the poller's report in the same turn.
 */
public abstract sealed class StreamSocket extends StreamEnds permits PendingInput {

    /** The watches that have not been told. Changed with the monitor of this. */
    private volatile @Nullable PeerWatch watches;

    StreamSocket(EventLoop loop, int fd) {
        super(loop, fd);
    }

    /**
     * Tells once that the peer has gone so far, or that the connection is closed here, whichever comes first: on the event loop, never
     * in the midst of this call unless the loop has ended. Neither reads nor takes the place of a reader, and unread bytes in front
     * of an end do not hide it. A half-close is {@link ByteStream#shutdownInput}'s as well: the kernel does not tell them apart.
     *
     * @param from what has to be reached; {@link PeerState#PRESENT} is refused
     * @param told gets what has been reached; must not wait
     * @return the watch, to be closed when it is not wanted any more
     */
    public final PeerWatch watchPeer(PeerState from, Consumer<? super PeerState> told) {
        if (from == PeerState.PRESENT) {
            throw new IllegalArgumentException("the peer is present to begin with");
        }
        PeerWatch watch = new PeerWatch(this, from, told);
        synchronized (this) {
            watch.next = watches;
            watches = watch;
        }
        tellWatches(null); // an operation that notes the end of the peer looks for watches afterwards
        return watch;
    }

    final synchronized void forget(PeerWatch watch) {
        unlink(watch);
    }

    private void unlink(PeerWatch watch) {
        if (watches == watch) {
            watches = watch.next;
            return;
        }
        for (PeerWatch before = watches; before != null; before = before.next) {
            if (before.next == watch) {
                before.next = watch.next;
                return;
            }
        }
    }

    @Override
    public void ready(int readiness, WokenBatch woken) {
        super.ready(readiness, woken);
        if (watches != null) {
            tellWatches(woken);
        }
    }

    /** An operation has noted that the peer has gone so far, of which the poller knows nothing. */
    final void tellWatches() {
        if (watches != null) {
            tellWatches(null);
        }
    }

    /** Tells by what {@code woken} runs, or by a task. A watch that cannot be told, for want of memory, stays and is told later. */
    private void tellWatches(@Nullable WokenBatch woken) {
        for (PeerWatch due; (due = takeDue(woken)) != null; ) {
            if (woken == null) {
                loop().wake(due.telling);
            }
        }
        if (watches != null && !loop().poller().edgeTriggered()) {
            askForHangUp();
        }
    }

    private synchronized @Nullable PeerWatch takeDue(@Nullable WokenBatch woken) {
        PeerState state = peerState();
        for (PeerWatch watch = watches; watch != null; watch = watch.next) {
            if (watch.from.compareTo(state) <= 0) {
                watch.reached = state;
                if (woken != null) {
                    woken.add(watch.telling);
                }
                unlink(watch);
                return watch;
            }
        }
        return null;
    }

    /** Where only what is asked for is reported, and only once. */
    private void askForHangUp() {
        int known = stickyReadiness();
        int interest = (known & Readiness.READ_CLOSED) == 0 ? Readiness.READ_CLOSED : Readiness.URGENT & ~known;
        try {
            loop().poller().arm(fd(), this, interest);
        } catch (NetparkException e) {
            loop().report("The end of the peer will not be noticed on " + this, e);
        }
    }

    @Override
    protected void destroyed() {
        if (watches != null) {
            tellWatches(null);
        }
    }
}
