package io.netpark.callback.input;

import io.netpark.callback.delivery.Delivery;
import io.netpark.core.net.streams.ConnectionDescriptor;
import io.netpark.core.net.streams.PeerState;
import io.netpark.core.net.streams.PeerWatch;
import io.netpark.core.sys.NetparkException;
import org.jspecify.annotations.Nullable;

/**
 * The end of the peer's stream: how it is noticed, also while nobody reads, and when the callbacks are told. Loop's thread only.
 *
 * <pre>
 *   expected --read, or found while nobody reads--> known --every byte before it has been shown to whom it was to be--> told
 * </pre>
 */
final class PeerEnd {

    private final Input input;
    /** Read by other threads as well. */
    private volatile boolean known;
    private boolean told;
    /** Somebody else has read it, and has told the other peer: there is no answer to wait for. */
    private boolean passedOn;
    /** Made when reading first stops, as a reader finds everything by itself. */
    private @Nullable PeerWatch watch;
    /** The watch has said that the peer has ended its stream: the next one is for what may come after that. */
    private boolean noticed;

    PeerEnd(Input input) {
        this.input = input;
    }

    /** Whether there is somebody to be told of it. */
    private boolean hasHalfClose() {
        return input.callbacks.hasHalfClose();
    }

    boolean isKnown() {
        return known;
    }

    boolean isTold() {
        return told;
    }

    /** It has been read. */
    void found() {
        known = true;
        input.feed();
    }

    /** Whoever read instead of this has met it, and has passed it on: also who has paused is told. */
    void passedOn() {
        passedOn = true;
        if (!known) {
            found();
        }
    }

    /** Where nobody is to be called all there is to do is to close, and a callback that has paused is about to answer. */
    boolean mayBeTold() {
        return passedOn || !input.isPaused() || hasHalfClose();
    }

    /** Not before a callback has been called with what is unread, if that is still to come. */
    void tellIfDue() {
        if (known && !told && !input.isAskedAgain() && !input.isLent() && mayBeTold() && input.ending.isOpen()) {
            told = true;
            input.delivery.want(Delivery.HALF_CLOSE);
        }
    }

    /** Nobody reads for now. */
    void watch() {
        if (noticed && !known) {
            look();
        }
        if (watch == null && input.ending.isOpen()) {
            watch = input.core.watchPeer(known || noticed ? PeerState.GONE : PeerState.HALF_CLOSED, this::notice);
        }
    }

    void stopWatching() {
        PeerWatch last = watch;
        watch = null;
        if (last != null) {
            last.close();
        }
    }

    private void notice(PeerState state) {
        watch = null;
        noticed = true;
        if (state == PeerState.CLOSED || !input.ending.isOpen() || input.isReading() || input.isLent()) {
            return;
        }
        if (state == PeerState.GONE) {
            look();
        } else {
            watch();
        }
    }

    /** Bytes before the end are not given up: it is found behind them, when they are read. */
    private void look() {
        try {
            if (input.peek() == ConnectionDescriptor.END_OF_STREAM && hasHalfClose() && !known) {
                found();
                tellIfDue();
            }
        } catch (NetparkException e) {
            input.ending.end(e);
        } catch (Throwable e) {
            input.ending.failed("what its peer does could not be looked at", e);
        }
    }

    /** The connection has ended. */
    void release() {
        known = true;
        told = true;
        stopWatching();
    }
}
