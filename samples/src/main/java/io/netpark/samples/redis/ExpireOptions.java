package io.netpark.samples.redis;

/**
 * What follows key and time of an EXPIRE: whether it counts depends on the time that the key has already.
 *
 * @param onlyWithout NX
 * @param onlyWith XX
 * @param onlyLater GT
 * @param onlySooner LT
 */
record ExpireOptions(boolean onlyWithout, boolean onlyWith, boolean onlyLater, boolean onlySooner) {

    private static final int FIRST = 3;
    private static final int LONGEST_REPEATED = 128;

    static ExpireOptions of(Request request) throws CommandError {
        boolean without = false;
        boolean with = false;
        boolean later = false;
        boolean sooner = false;
        for (int i = FIRST; i < request.count(); i++) {
            if (request.is(i, "nx")) {
                without = true;
            } else if (request.is(i, "xx")) {
                with = true;
            } else if (request.is(i, "gt")) {
                later = true;
            } else if (request.is(i, "lt")) {
                sooner = true;
            } else {
                throw new CommandError("ERR Unsupported option " + request.text(i, LONGEST_REPEATED));
            }
        }
        if (without && (with || later || sooner)) {
            throw new CommandError("ERR NX and XX, GT or LT options at the same time are not compatible");
        }
        if (later && sooner) {
            throw new CommandError("ERR GT and LT options at the same time are not compatible");
        }
        return new ExpireOptions(without, with, later, sooner);
    }

    /** Whether a key that expires at one time, or {@link Entry#NEVER}, may be given another. */
    boolean allow(long before, long at) {
        boolean had = before != Entry.NEVER;
        return !(onlyWithout && had || onlyWith && !had || onlyLater && at <= before || onlySooner && at >= before);
    }
}
