package io.netpark.core.framing;

import io.netpark.core.sys.NetparkException;

/** The numbers that a framing is given, and what happens to a message that breaks one. */
final class Limit {

    private Limit() {}

    static int positive(int number, String what) {
        if (number < 1) {
            throw new IllegalArgumentException("the " + what + " must be positive, not " + number);
        }
        return number;
    }

    /**
     * Checks a message that ends with something.
     *
     * @param length the bytes of the message, or the fewest that a message without its end can still become
     */
    static void check(long length, int limit, String end) throws NetparkException.LimitExceeded {
        if (length > limit) {
            throw new NetparkException.LimitExceeded(end + " did not come within the limit of " + limit + " bytes");
        }
    }
}
