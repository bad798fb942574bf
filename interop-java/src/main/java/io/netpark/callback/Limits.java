package io.netpark.callback;

/**
 * What one connection may hold and how long it may be silent.
 *
 * @param highWaterMark pending output, in bytes, above which the connection is not read
 * @param inputLimit unread input, in bytes, at which the connection is not read
 * @param idleNanos time without a byte after which it is closed; 0 for ever
 */
record Limits(int highWaterMark, int inputLimit, long idleNanos) {

    static final int DEFAULT_BYTES = 64 * 1024;
    static final Limits DEFAULT = new Limits(DEFAULT_BYTES, DEFAULT_BYTES, 0);

    int lowWaterMark() {
        return highWaterMark / 2;
    }
}
