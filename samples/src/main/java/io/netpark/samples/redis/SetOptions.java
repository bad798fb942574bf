package io.netpark.samples.redis;

/**
 * What follows key and value of a SET.
 *
 * @param onlyIfAbsent NX
 * @param onlyIfPresent XX
 * @param get GET: the old value is the answer
 * @param keepTime KEEPTTL
 * @param expiresAt by the database's clock, in milliseconds; or {@link Entry#NEVER}
 */
record SetOptions(boolean onlyIfAbsent, boolean onlyIfPresent, boolean get, boolean keepTime, long expiresAt) {

    private static final int FIRST = 3;
    private static final SetOptions NONE = new SetOptions(false, false, false, false, Entry.NEVER);

    static SetOptions of(Request request, long now) throws CommandError {
        if (request.count() == FIRST) {
            return NONE;
        }
        boolean absent = false;
        boolean present = false;
        boolean get = false;
        boolean keep = false;
        int time = 0;
        long unit = 0;
        for (int i = FIRST; i < request.count(); i++) {
            boolean seconds = request.is(i, "ex");
            if (request.is(i, "nx") && !present) {
                absent = true;
            } else if (request.is(i, "xx") && !absent) {
                present = true;
            } else if (request.is(i, "get")) {
                get = true;
            } else if (request.is(i, "keepttl") && time == 0) {
                keep = true;
            } else if ((seconds || request.is(i, "px")) && time == 0 && !keep && i + 1 < request.count()) {
                time = ++i;
                unit = seconds ? 1000 : 1;
            } else {
                throw CommandError.SYNTAX;
            }
        }
        long expiresAt = Entry.NEVER;
        if (time > 0) {
            long count = request.integer(time);
            if (count <= 0) {
                throw CommandError.expireTime("set");
            }
            expiresAt = TimeCommands.at(count, unit, now, "set");
        }
        return new SetOptions(absent, present, get, keep, expiresAt);
    }
}
