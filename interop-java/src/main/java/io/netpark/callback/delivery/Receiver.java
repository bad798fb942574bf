package io.netpark.callback.delivery;

import io.netpark.callback.state.Limits;
import io.netpark.core.framing.Framing;
import io.netpark.core.net.streams.AwaitedInput;
import org.jspecify.annotations.Nullable;

/**
 * Who is told of bytes: a request callback, an input callback, or nobody, and then they are dropped. For any number of connections at
 * a time: {@link UserCallbacks} know the connection, and of what kind a handler is.
 */
public final class Receiver {

    public static final Receiver NOBODY = new Receiver(null, false, null);

    /** For an input callback: it gets a part of a message only to say how much is missing. */
    private static final int DEFAULT_MESSAGE = 1024 * 1024;

    private final @Nullable Object handler;
    private final boolean takesInput;
    private final @Nullable Framing framing;

    private Receiver(@Nullable Object handler, boolean takesInput, @Nullable Framing framing) {
        this.handler = handler;
        this.takesInput = takesInput;
        this.framing = framing;
    }

    /** Of requests: all bytes in one piece. */
    public static Receiver ofRequests(Object handler) {
        return new Receiver(handler, false, null);
    }

    /** Of input: bytes where they lie. {@code framing} is what the handler cuts them into messages by, if it does. */
    public static Receiver ofInput(Object handler, @Nullable Framing framing) {
        return new Receiver(handler, true, framing);
    }

    public @Nullable Object handler() {
        return handler;
    }

    public boolean isNobody() {
        return handler == null;
    }

    public boolean takesRequests() {
        return handler != null && !takesInput;
    }

    public boolean takesInput() {
        return takesInput;
    }

    /** What cuts the bytes into messages; null if the callback gets them as they come. */
    public @Nullable Framing framing() {
        return framing;
    }

    /** How many bytes it may leave unread. */
    public int inputLimit(Limits limits) {
        if (limits.inputLimit() > 0) {
            return limits.inputLimit();
        }
        return framing != null ? Math.max(DEFAULT_MESSAGE, framing.longest()) : takesInput ? DEFAULT_MESSAGE : Limits.DEFAULT_BYTES;
    }

    /** Whether a connection is closed at that limit, instead of not being read. */
    public boolean closesAtLimit(Limits limits) {
        Boolean chosen = limits.closesAtInputLimit();
        return chosen != null ? chosen : takesInput;
    }

    /** @throws IllegalStateException if a message of its framing could never be there as a whole */
    public void requireRoom(Limits limits) {
        if (framing != null && framing.longest() > inputLimit(limits)) {
            throw AwaitedInput.noRoom(framing, limits.inputLimit(), "inputLimit, leave it out");
        }
    }
}
