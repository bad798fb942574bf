package io.netpark.callback;

import io.netpark.core.framing.Framing;
import org.jspecify.annotations.Nullable;

/** Who is told of bytes: one of the two, or nobody, and then they are dropped. */
record Receiver(@Nullable RequestHandler request, @Nullable InputHandler input) {

    static final Receiver NOBODY = new Receiver(null, null);

    boolean isNobody() {
        return request == null && input == null;
    }

    /** What cuts the bytes into messages; null if the callback gets them as they come. */
    @Nullable Framing framing() {
        return input instanceof Framed framed ? framed.framing() : null;
    }
}
