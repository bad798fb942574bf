package io.netpark.callback;

/** Two connections, each of which is the other's peer; see {@link CallbackClient#pair}. Closing it closes both. */
public record CallbackPair(CallbackConnection first, CallbackConnection second) implements AutoCloseable {

    @Override
    public void close() {
        try {
            first.close();
        } finally {
            second.close();
        }
    }
}
