package io.netpark.core.net.streams;

import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A wish to be told, once, when the peer of a connection goes, though nothing is read or written. Made by
 * {@link StreamSocket#watchPeer}.
 *
 * <pre>
 *   armed --the state is reached, or the connection is closed here--> due --on the loop--> told
 *         --close--> over
 * </pre>
 *
 * <p>For Netpark's own adapters.
 */
public final class PeerWatch implements AutoCloseable {

    private final StreamSocket stream;
    /** From this state on. */
    final PeerState from;
    private final Consumer<? super PeerState> told;
    /** In a batch of the loop, or in its queue, there is room for this and nothing has to be made. */
    final Runnable telling = this::tell;
    /** The next of the same stream, and what is to be told; guarded by the stream. */
    @Nullable PeerWatch next;
    @Nullable PeerState reached;
    private volatile boolean over;

    PeerWatch(StreamSocket stream, PeerState from, Consumer<? super PeerState> told) {
        this.stream = stream;
        this.from = Objects.requireNonNull(from, "from");
        this.told = Objects.requireNonNull(told, "told");
    }

    private void tell() {
        PeerState state = reached;
        if (!over && state != null) {
            over = true;
            try {
                told.accept(state);
            } catch (Throwable e) {
                stream.loop().report("Who watched for the end of " + stream + " was told, and threw", e);
            }
        }
    }

    /** Withdraws the wish, which may be being told at this moment. From any thread, also when it is over. */
    @Override
    public void close() {
        over = true;
        stream.forget(this);
    }

    @Override
    public String toString() {
        return "watch for the end of " + stream;
    }
}
