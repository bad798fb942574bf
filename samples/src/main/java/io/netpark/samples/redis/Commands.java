package io.netpark.samples.redis;

import io.netpark.core.sys.NetparkException;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The commands by their names, in upper or lower case. Guarded by the database. */
final class Commands {

    private static final int LONGEST_NAME = 16;
    /** How much of an unknown command is repeated to its sender. */
    private static final int MOST_REPEATED = 128;

    private final Map<Bytes, Command> byName = new HashMap<>();
    private final Bytes finger = Bytes.finger();
    private final byte[] name = new byte[LONGEST_NAME];
    private long processed;

    void add(String name, int arity, Command.Keys keys, Command.Body body) {
        assert name.length() <= LONGEST_NAME : name;
        byName.put(Bytes.of(name.getBytes(StandardCharsets.US_ASCII)), new Command(name, arity, keys, body));
    }

    Collection<Command> all() {
        return Collections.unmodifiableCollection(byName.values());
    }

    /** How many have been carried out. */
    long processed() {
        return processed;
    }

    /** The command that an argument names. */
    @Nullable Command find(Request request, int argument) {
        int length = request.length(argument);
        if (length > LONGEST_NAME) {
            return null;
        }
        int from = request.from(argument);
        for (int i = 0; i < length; i++) {
            name[i] = Request.lower(request.array()[from + i]);
        }
        return byName.get(finger.point(name, 0, length));
    }

    /** Carries out a request and answers it. */
    void run(Request request, Session session, Answers answers) throws NetparkException.Closed {
        try {
            Command command = find(request, 0);
            if (command == null) {
                if (request.is(0, "post") || request.is(0, "host:")) {
                    session.abandon();
                    return;
                }
                throw unknown(request);
            }
            if (!command.takes(request.count())) {
                throw CommandError.arity(command.name());
            }
            processed++;
            command.body().run(request, session, answers);
        } catch (CommandError e) {
            answers.error(e.text());
        }
    }

    private static CommandError unknown(Request request) {
        StringBuilder text = new StringBuilder("ERR unknown command '")
                .append(quoted(request, 0, MOST_REPEATED)).append("', with args beginning with: ");
        int left = MOST_REPEATED;
        for (int i = 1; i < request.count() && left > 0; i++) {
            String argument = quoted(request, i, left);
            text.append('\'').append(argument).append("' ");
            left -= argument.length() + 3;
        }
        return new CommandError(text.toString());
    }

    /** An argument in a message, which ends at a NUL. */
    private static String quoted(Request request, int argument, int most) {
        String text = request.text(argument, most);
        int end = text.indexOf('\0');
        return end < 0 ? text : text.substring(0, end);
    }
}
