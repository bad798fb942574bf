package io.netpark.core.net.transfer;

import io.netpark.core.net.streams.ConnectionDescriptor;
import io.netpark.core.net.streams.PeerState;
import io.netpark.core.net.streams.PeerWatch;
import io.netpark.core.net.streams.Splicing;
import io.netpark.core.sys.NetparkException;
import org.jspecify.annotations.Nullable;

/**
 * Looks out for the end of a transfer's source while that waits for room in the target: nothing is read meanwhile, so nothing else
 * would tell. A source that is gone in order may have bytes to be read still, so it is watched until it is closed as well.
 */
final class SourceWatch {

    private final ConnectionDescriptor source;
    /** Runs on the source's loop, after {@link #hasNews} has become true. */
    private final Runnable wake;
    private @Nullable PeerWatch gone;
    private @Nullable PeerWatch closed;
    private volatile boolean news;

    SourceWatch(ConnectionDescriptor source, Runnable wake) {
        this.source = source;
        this.wake = wake;
    }

    /** Begins, unless it has. */
    void begin() {
        if (gone == null) {
            gone = source.watchPeer(PeerState.GONE, this::changed);
        }
        if (closed == null) {
            closed = source.watchPeer(PeerState.CLOSED, this::changed);
        }
    }

    private void changed(PeerState state) {
        if (seemsEnded()) {
            news = true;
            wake.run();
        }
    }

    /** Also if it could not be found out, for want of memory: nobody will tell again, so the transfer looks, which may fail. */
    private boolean seemsEnded() {
        try {
            return Splicing.endOfInput(source) != null;
        } catch (Error e) {
            return true;
        }
    }

    /** Whether the source seems to have ended since this was last {@linkplain #end asked}. */
    boolean hasNews() {
        return news;
    }

    /** Why the source has ended; null if it has not. */
    @Nullable NetparkException end() {
        news = false; // before the look: what is told after it counts
        return Splicing.endOfInput(source);
    }

    void close() {
        if (gone != null) {
            gone.close();
        }
        if (closed != null) {
            closed.close();
        }
    }
}
