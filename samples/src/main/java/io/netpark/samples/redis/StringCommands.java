package io.netpark.samples.redis;

import static io.netpark.samples.redis.Command.Keys.ALL;
import static io.netpark.samples.redis.Command.Keys.EVERY_OTHER;
import static io.netpark.samples.redis.Command.Keys.ONE;

import io.netpark.core.sys.NetparkException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Commands that read and write values. */
final class StringCommands {

    private final Database database;
    private final byte[] digits = new byte[Decimal.LONGEST];

    StringCommands(Database database) {
        this.database = database;
    }

    void addTo(Commands commands) {
        commands.add("get", 2, ONE, (request, session, answers) -> get(request, 1, answers));
        commands.add("set", -3, ONE, this::set);
        commands.add("setnx", 3, ONE, this::setIfAbsent);
        commands.add("mget", -2, ALL, this::getMany);
        commands.add("mset", -3, EVERY_OTHER, this::setMany);
        commands.add("strlen", 2, ONE, this::length);
        commands.add("append", 3, ONE, this::append);
        commands.add("incr", 2, ONE, (request, session, answers) -> add(request, 1, answers));
        commands.add("decr", 2, ONE, (request, session, answers) -> add(request, -1, answers));
        commands.add("incrby", 3, ONE, (request, session, answers) -> add(request, request.integer(2), answers));
        commands.add("decrby", 3, ONE, this::subtract);
    }

    private @Nullable Entry find(Request request, int key) {
        return database.find(request.array(), request.from(key), request.length(key));
    }

    private void get(Request request, int key, Answers answers) throws NetparkException.Closed {
        answer(database.read(request.array(), request.from(key), request.length(key)), answers);
    }

    private static void answer(@Nullable Entry entry, Answers answers) throws NetparkException.Closed {
        if (entry == null) {
            answers.nil();
        } else {
            answers.bulk(entry.value());
        }
    }

    /** Looks first how long the answer is: one value can be named a million times, and nobody else is served meanwhile. */
    private void getMany(Request request, Session session, Answers answers) throws CommandError, NetparkException.Closed {
        long size = 0;
        for (int i = 1; i < request.count(); i++) {
            Entry entry = find(request, i);
            size += entry == null ? 0 : entry.value().length;
        }
        if (size > session.longestAnswer()) {
            throw new CommandError("ERR the values have " + size + " bytes, and an answer may have " + session.longestAnswer());
        }
        answers.array(request.count() - 1);
        for (int i = 1; i < request.count(); i++) {
            get(request, i, answers);
        }
    }

    /** SET key value [NX | XX] [GET] [EX seconds | PX milliseconds | KEEPTTL]. */
    private void set(Request request, Session session, Answers answers) throws CommandError, NetparkException.Closed {
        SetOptions options = SetOptions.of(request, database.now());
        Entry entry = find(request, 1);
        if (options.get()) {
            answer(entry, answers); // in Redis as well this is the answer, whether it is set or not
        }
        boolean wanted = entry == null ? !options.onlyIfPresent() : !options.onlyIfAbsent();
        if (wanted) {
            Entry set = put(entry, request, 2);
            if (!options.keepTime()) {
                database.expire(set, options.expiresAt());
            }
        }
        if (!options.get()) {
            if (wanted) {
                answers.simple("OK");
            } else {
                answers.nil();
            }
        }
    }

    private Entry put(@Nullable Entry entry, Request request, int value) {
        if (entry == null) {
            return database.add(request.copy(value));
        }
        entry.set(request.array(), request.from(value), request.length(value));
        return entry;
    }

    private void setIfAbsent(Request request, Session session, Answers answers) throws NetparkException.Closed {
        boolean absent = find(request, 1) == null;
        if (absent) {
            put(null, request, 2);
        }
        answers.integer(absent ? 1 : 0);
    }

    private void setMany(Request request, Session session, Answers answers) throws CommandError, NetparkException.Closed {
        if (request.count() % 2 == 0) {
            throw CommandError.arity("mset");
        }
        for (int i = 1; i < request.count(); i += 2) {
            database.expire(put(find(request, i), request, i + 1), Entry.NEVER);
        }
        answers.simple("OK");
    }

    private void length(Request request, Session session, Answers answers) throws NetparkException.Closed {
        Entry entry = database.read(request.array(), request.from(1), request.length(1));
        answers.integer(entry == null ? 0 : entry.value().length);
    }

    private void append(Request request, Session session, Answers answers) throws CommandError, NetparkException.Closed {
        Entry entry = find(request, 1);
        if (entry == null) {
            entry = put(null, request, 2);
        } else {
            byte[] before = entry.value();
            if ((long) before.length + request.length(2) > session.longestValue()) {
                throw new CommandError("ERR string exceeds maximum allowed size (proto-max-bulk-len)");
            }
            byte[] both = Arrays.copyOf(before, before.length + request.length(2));
            System.arraycopy(request.array(), request.from(2), both, before.length, request.length(2));
            entry.set(both, 0, both.length);
        }
        answers.integer(entry.value().length);
    }

    private void subtract(Request request, Session session, Answers answers)
            throws CommandError, NetparkException.Closed {
        long amount = request.integer(2);
        if (amount == Long.MIN_VALUE) {
            throw new CommandError("ERR decrement would overflow");
        }
        add(request, -amount, answers);
    }

    private void add(Request request, long amount, Answers answers) throws CommandError, NetparkException.Closed {
        Entry entry = find(request, 1);
        long before = entry == null ? 0 : Decimal.parse(entry.value(), 0, entry.value().length);
        long after = before + amount;
        if (((before ^ after) & (amount ^ after)) < 0) {
            throw CommandError.OVERFLOW;
        }
        int from = Decimal.format(after, digits);
        if (entry == null) {
            database.add(Arrays.copyOfRange(digits, from, digits.length));
        } else {
            entry.set(digits, from, digits.length - from);
        }
        answers.integer(after);
    }
}
