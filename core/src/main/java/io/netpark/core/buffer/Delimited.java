package io.netpark.core.buffer;

import io.netpark.core.sys.NetparkException;

/** The limit of what is read up to a delimiter. */
final class Delimited {

    private Delimited() {}

    /** {@code length} is of the whole, or of the least that it can still become. */
    static void check(long length, int limit, String delimiter) throws NetparkException.LimitExceeded {
        if (length > limit) {
            throw new NetparkException.LimitExceeded(
                    delimiter + " did not come within the limit of " + limit + " bytes");
        }
    }

    /** As the other; the text is made only when it is needed. */
    static void check(long length, int limit, byte delimiter) throws NetparkException.LimitExceeded {
        if (length > limit) {
            check(length, limit, "the delimiter " + (delimiter & 0xFF));
        }
    }
}
