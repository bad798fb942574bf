package io.netpark.bench.machine;

/** A measurement that cannot go on, in words for the person who started it. */
public final class BenchFailure extends RuntimeException {

    private static final long serialVersionUID = 1;

    public BenchFailure(String message) {
        super(message);
    }
}
