package io.netpark.samples.redis;

import org.jspecify.annotations.Nullable;

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

    /** How a time is given: in seconds or milliseconds, from now on or since 1970. */
    private enum Time {
        EX("ex", 1000, false), PX("px", 1, false), EXAT("exat", 1000, true), PXAT("pxat", 1, true);

        private final String word;
        private final int unit;
        private final boolean absolute;

        Time(String word, int unit, boolean absolute) {
            this.word = word;
            this.unit = unit;
            this.absolute = absolute;
        }

        /** The one that an argument names. */
        static @Nullable Time of(Request request, int argument) {
            for (Time time : values()) {
                if (request.is(argument, time.word)) {
                    return time;
                }
            }
            return null;
        }
    }

    static SetOptions of(Request request, long now) throws CommandError {
        if (request.count() == FIRST) {
            return NONE;
        }
        boolean absent = false;
        boolean present = false;
        boolean get = false;
        boolean keep = false;
        Time time = null;
        int count = 0;
        for (int i = FIRST; i < request.count(); i++) {
            Time named = Time.of(request, i);
            if (request.is(i, "nx") && !present) {
                absent = true;
            } else if (request.is(i, "xx") && !absent) {
                present = true;
            } else if (request.is(i, "get")) {
                get = true;
            } else if (request.is(i, "keepttl") && time == null) {
                keep = true;
            } else if (named != null && (time == null || time == named) && !keep && i + 1 < request.count()) {
                time = named;
                count = ++i; // said twice, the last counts
            } else {
                throw CommandError.SYNTAX;
            }
        }
        return new SetOptions(absent, present, get, keep, time == null ? Entry.NEVER : at(time, request.integer(count), now));
    }

    private static long at(Time time, long count, long now) throws CommandError {
        if (count <= 0) {
            throw CommandError.expireTime("set");
        }
        // The last of all milliseconds stands for never, which is what it is.
        return TimeCommands.at(count, time.unit, time.absolute ? 0 : now, "set");
    }
}
