package io.netpark.samples.redis;

import io.netpark.core.sys.NetparkException;

/**
 * A command.
 *
 * @param name in lower case
 * @param arity how many arguments it has, its name being one; negative if that is the least
 * @param keys which arguments are keys
 * @param body what it does
 */
record Command(String name, int arity, Keys keys, Body body) {

    /** What it does: exactly one answer, or an error before anything is answered. With the monitor of the database. */
    @FunctionalInterface
    interface Body {
        void run(Request request, Session session, Answers answers) throws CommandError, NetparkException.Closed;
    }

    /** Which arguments are keys: from the first to the last, each so many after the one before; -1 is the last argument. */
    enum Keys {
        NONE(0, 0, 0), ONE(1, 1, 1), ALL(1, -1, 1), EVERY_OTHER(1, -1, 2);

        private final int first;
        private final int last;
        private final int step;

        Keys(int first, int last, int step) {
            this.first = first;
            this.last = last;
            this.step = step;
        }
    }

    boolean takes(int arguments) {
        return arity < 0 ? arguments >= -arity : arguments == arity;
    }

    /** As COMMAND tells of it. */
    void describe(Answers answers) throws NetparkException.Closed {
        answers.array(6);
        answers.bulk(name);
        answers.integer(arity);
        answers.array(0); // flags, which are for clients of clusters
        answers.integer(keys.first);
        answers.integer(keys.last);
        answers.integer(keys.step);
    }
}
