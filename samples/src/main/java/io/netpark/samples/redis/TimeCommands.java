package io.netpark.samples.redis;

import static io.netpark.samples.redis.Command.Keys.ONE;

import io.netpark.core.sys.NetparkException;

/** Commands that give keys a time to live. */
final class TimeCommands {

    private static final int NO_KEY = -2;
    private static final int NO_TIME = -1;
    private static final int A_SECOND = 1000;

    private final Database database;

    TimeCommands(Database database) {
        this.database = database;
    }

    void addTo(Commands commands) {
        commands.add("expire", -3, ONE, (request, session, answers) -> expire(request, A_SECOND, "expire", answers));
        commands.add("pexpire", -3, ONE, (request, session, answers) -> expire(request, 1, "pexpire", answers));
        commands.add("ttl", 2, ONE, (request, session, answers) -> timeToLive(request, A_SECOND, answers));
        commands.add("pttl", 2, ONE, (request, session, answers) -> timeToLive(request, 1, answers));
        commands.add("persist", 2, ONE, this::persist);
        commands.add("setex", 4, ONE, (request, session, answers) -> set(request, A_SECOND, "setex", answers));
        commands.add("psetex", 4, ONE, (request, session, answers) -> set(request, 1, "psetex", answers));
    }

    /** The time so many units from another, as 1970 or now. */
    static long at(long count, long unit, long now, String command) throws CommandError {
        try {
            return Math.addExact(Math.multiplyExact(count, unit), now);
        } catch (ArithmeticException e) {
            throw CommandError.expireTime(command);
        }
    }

    private void expire(Request request, int unit, String command, Answers answers)
            throws CommandError, NetparkException.Closed {
        ExpireOptions options = ExpireOptions.of(request);
        long at = at(request.integer(2), unit, database.now(), command);
        Entry entry = database.find(request.array(), request.from(1), request.length(1));
        boolean allowed = entry != null && options.allow(entry.expiresAt(), at);
        if (entry != null && allowed) {
            if (at <= database.now()) {
                database.remove(entry);
            } else {
                database.expire(entry, at);
            }
        }
        answers.integer(allowed ? 1 : 0);
    }

    private void timeToLive(Request request, int unit, Answers answers) throws NetparkException.Closed {
        Entry entry = database.find(request.array(), request.from(1), request.length(1));
        if (entry == null) {
            answers.integer(NO_KEY);
        } else if (entry.expiresAt() == Entry.NEVER) {
            answers.integer(NO_TIME);
        } else {
            answers.integer((entry.expiresAt() - database.now() + unit / 2) / unit);
        }
    }

    private void persist(Request request, Session session, Answers answers) throws NetparkException.Closed {
        Entry entry = database.find(request.array(), request.from(1), request.length(1));
        if (entry != null && entry.expiresAt() != Entry.NEVER) {
            database.expire(entry, Entry.NEVER);
            answers.integer(1);
        } else {
            answers.integer(0);
        }
    }

    private void set(Request request, int unit, String command, Answers answers)
            throws CommandError, NetparkException.Closed {
        long count = request.integer(2);
        if (count <= 0) {
            throw CommandError.expireTime(command);
        }
        long at = at(count, unit, database.now(), command);
        Entry entry = database.find(request.array(), request.from(1), request.length(1));
        if (entry == null) {
            entry = database.add(request.copy(3));
        } else {
            entry.set(request.array(), request.from(3), request.length(3));
        }
        database.expire(entry, at);
        answers.simple("OK");
    }
}
