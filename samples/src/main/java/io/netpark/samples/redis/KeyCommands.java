package io.netpark.samples.redis;

import static io.netpark.samples.redis.Command.Keys.ALL;
import static io.netpark.samples.redis.Command.Keys.NONE;
import static io.netpark.samples.redis.Command.Keys.ONE;

import io.netpark.core.sys.NetparkException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Commands about keys. */
final class KeyCommands {

    private final Database database;

    KeyCommands(Database database) {
        this.database = database;
    }

    void addTo(Commands commands) {
        commands.add("del", -2, ALL, this::delete);
        commands.add("unlink", -2, ALL, this::delete);
        commands.add("exists", -2, ALL, this::exists);
        commands.add("type", 2, ONE, this::type);
        commands.add("keys", 2, NONE, this::keys);
        commands.add("dbsize", 1, NONE, (request, session, answers) -> answers.integer(database.size()));
        commands.add("flushall", -1, NONE, this::clear);
        commands.add("flushdb", -1, NONE, this::clear);
    }

    private @Nullable Entry find(Request request, int key) {
        return database.find(request.array(), request.from(key), request.length(key));
    }

    private void delete(Request request, Session session, Answers answers) throws NetparkException.Closed {
        int deleted = 0;
        for (int i = 1; i < request.count(); i++) {
            Entry entry = find(request, i);
            if (entry != null) {
                database.remove(entry);
                deleted++;
            }
        }
        answers.integer(deleted);
    }

    /** A key that is named twice counts twice. */
    private void exists(Request request, Session session, Answers answers) throws NetparkException.Closed {
        int found = 0;
        for (int i = 1; i < request.count(); i++) {
            found += find(request, i) != null ? 1 : 0;
        }
        answers.integer(found);
    }

    private void type(Request request, Session session, Answers answers) throws NetparkException.Closed {
        answers.simple(find(request, 1) == null ? "none" : "string");
    }

    private void keys(Request request, Session session, Answers answers) throws NetparkException.Closed {
        byte[] pattern = request.copy(1);
        List<byte[]> found = new ArrayList<>();
        database.forEach(entry -> {
            if (entry.expiresAt() > database.now() && Glob.matches(pattern, entry.key.array())) {
                found.add(entry.key.array());
            }
        });
        answers.array(found.size());
        for (byte[] key : found) {
            answers.bulk(key);
        }
    }

    private void clear(Request request, Session session, Answers answers) throws CommandError, NetparkException.Closed {
        if (request.count() > 2 || request.count() == 2 && !request.is(1, "async") && !request.is(1, "sync")) {
            throw CommandError.SYNTAX;
        }
        database.clear();
        answers.simple("OK");
    }
}
