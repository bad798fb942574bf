package io.netpark.samples.redis;

import static io.netpark.samples.redis.Command.Keys.NONE;

import io.netpark.core.sys.NetparkException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Commands about the server and the connection: what redis-cli, redis-benchmark and client libraries ask first. */
final class ServerCommands {

    /** The version whose answers these are. */
    static final String VERSION = "7.0.0";

    private final Commands commands;
    private final Info info;
    /** Settings that are asked for, and never change. */
    private final Map<String, String> settings = new TreeMap<>();

    ServerCommands(Commands commands, Info info, int longestValue) {
        this.commands = commands;
        this.info = info;
        settings.put("appendonly", "no");
        settings.put("databases", "1");
        settings.put("proto-max-bulk-len", Integer.toString(longestValue));
        settings.put("save", "");
    }

    void add() {
        commands.add("ping", -1, NONE, this::ping);
        commands.add("echo", 2, NONE, (request, session, answers) -> argument(request, 1, answers));
        commands.add("quit", -1, NONE, this::quit);
        commands.add("select", 2, NONE, this::select);
        commands.add("hello", -1, NONE, this::hello);
        commands.add("client", -2, NONE, this::client);
        commands.add("config", -2, NONE, this::config);
        commands.add("command", -1, NONE, this::command);
        commands.add("info", -1, NONE, (request, session, answers) -> answers.text(info.text(request)));
    }

    private static void argument(Request request, int argument, Answers answers) throws NetparkException.Closed {
        answers.bulk(request.array(), request.from(argument), request.length(argument));
    }

    private void ping(Request request, Session session, Answers answers) throws CommandError, NetparkException.Closed {
        if (request.count() > 2) {
            throw CommandError.arity("ping");
        }
        if (request.count() == 2) {
            argument(request, 1, answers);
        } else {
            answers.simple("PONG");
        }
    }

    private void quit(Request request, Session session, Answers answers) throws NetparkException.Closed {
        answers.simple("OK");
        session.end();
    }

    private void select(Request request, Session session, Answers answers) throws CommandError, NetparkException.Closed {
        long number = request.integer(1);
        if (number != (int) number) {
            throw new CommandError(
                    "ERR value is out of range, value must between " + Integer.MIN_VALUE + " and " + Integer.MAX_VALUE);
        }
        if (number != 0) {
            throw new CommandError("ERR DB index is out of range");
        }
        answers.simple("OK");
    }

    private void hello(Request request, Session session, Answers answers) throws CommandError, NetparkException.Closed {
        boolean resp3 = request.count() > 1 ? wantsResp3(request) : session.isResp3();
        byte @Nullable [] name = null;
        for (int i = 2; i < request.count(); i++) {
            int left = request.count() - i - 1;
            if (left >= 1 && request.is(i, "setname")) {
                name = request.copy(++i);
            } else if (left >= 2 && request.is(i, "auth")) {
                if (!request.is(i + 1, "default")) {
                    throw new CommandError("WRONGPASS invalid username-password pair or user is disabled.");
                }
                i += 2; // the default user has no password here, and any will do, as in a Redis that has none
            } else {
                throw new CommandError("ERR Syntax error in HELLO option '" + request.text(i, 64) + "'");
            }
        }
        if (name != null) {
            session.name(name);
        }
        session.setResp3(resp3);
        answers.speak(resp3);
        answers.map(7);
        answers.bulk("server");
        answers.bulk("redis");
        answers.bulk("version");
        answers.bulk(VERSION);
        answers.bulk("proto");
        answers.integer(resp3 ? 3 : 2);
        answers.bulk("id");
        answers.integer(session.id());
        answers.bulk("mode");
        answers.bulk("standalone");
        answers.bulk("role");
        answers.bulk("master");
        answers.bulk("modules");
        answers.array(0);
    }

    private static boolean wantsResp3(Request request) throws CommandError {
        long version;
        try {
            version = request.integer(1);
        } catch (CommandError e) {
            throw new CommandError("ERR Protocol version is not an integer or out of range");
        }
        if (version != 2 && version != 3) {
            throw new CommandError("NOPROTO unsupported protocol version");
        }
        return version == 3;
    }

    private void client(Request request, Session session, Answers answers) throws CommandError, NetparkException.Closed {
        if (request.is(1, "setname")) {
            demandCount(request, 3, "client|setname");
            session.name(request.copy(2));
            answers.simple("OK");
        } else if (request.is(1, "getname")) {
            demandCount(request, 2, "client|getname");
            if (session.name().length == 0) {
                answers.nil();
            } else {
                answers.bulk(session.name());
            }
        } else if (request.is(1, "setinfo")) {
            demandCount(request, 4, "client|setinfo");
            answers.simple("OK"); // newer client libraries say who they are; nobody here asks
        } else if (request.is(1, "id")) {
            demandCount(request, 2, "client|id");
            answers.integer(session.id());
        } else {
            throw unknown(request, "CLIENT");
        }
    }

    private void config(Request request, Session session, Answers answers) throws CommandError, NetparkException.Closed {
        if (!request.is(1, "get")) {
            throw unknown(request, "CONFIG");
        }
        if (request.count() < 3) {
            throw CommandError.arity("config|get");
        }
        List<String> found = new ArrayList<>();
        for (String name : settings.keySet()) {
            for (int i = 2; i < request.count() && !found.contains(name); i++) {
                if (Glob.matches(request.copy(i), name.getBytes(StandardCharsets.US_ASCII))) {
                    found.add(name);
                }
            }
        }
        answers.map(found.size());
        for (String name : found) {
            answers.bulk(name);
            answers.bulk(settings.getOrDefault(name, ""));
        }
    }

    private void command(Request request, Session session, Answers answers) throws CommandError, NetparkException.Closed {
        if (request.count() == 1 || request.count() == 2 && request.is(1, "info")) {
            answers.array(commands.all().size());
            for (Command command : commands.all()) {
                command.describe(answers);
            }
        } else if (request.is(1, "count")) {
            demandCount(request, 2, "command|count");
            answers.integer(commands.all().size());
        } else if (request.is(1, "info")) {
            answers.array(request.count() - 2);
            for (int i = 2; i < request.count(); i++) {
                @Nullable Command command = commands.find(request, i);
                if (command == null) {
                    answers.nil();
                } else {
                    command.describe(answers);
                }
            }
        } else if (request.is(1, "docs")) {
            answers.map(0); // then redis-cli uses those it has been built with
        } else {
            throw unknown(request, "COMMAND");
        }
    }

    private static void demandCount(Request request, int count, String command) throws CommandError {
        if (request.count() != count) {
            throw CommandError.arity(command);
        }
    }

    private static CommandError unknown(Request request, String command) {
        return new CommandError("ERR unknown subcommand '" + request.text(1, 128) + "'. Try " + command + " HELP.");
    }
}
