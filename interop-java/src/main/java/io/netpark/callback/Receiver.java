package io.netpark.callback;

import org.jspecify.annotations.Nullable;

/** Who is told of bytes: one of the two, or nobody, and then they are dropped. */
record Receiver(@Nullable RequestHandler request, @Nullable InputHandler input) {

    static final Receiver NOBODY = new Receiver(null, null);

    boolean isNobody() {
        return request == null && input == null;
    }
}
