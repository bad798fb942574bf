package io.netpark.core.net.streams;

/**
 * Decides what an {@linkplain ByteStream#setIdleTimeout(long, IdleOwner) idle timeout} means: of an adapter that has more to end than
 * a stream, or knows when a silence is not the peer's. Both methods are called on the stream's event loop.
 *
 * <p>For Netpark's own adapters.
 */
public interface IdleOwner {

    /** Whether the peer waits for this side, and not the other way round: the silence so far does not count then. */
    boolean isAtWork();

    /** No byte has moved for so long; the stream is still open. */
    void idleFor(long nanos);
}
