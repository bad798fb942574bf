package io.netpark.samples.redis;

import java.util.function.IntSupplier;

/** What INFO says. Guarded by the database. */
final class Info {

    private final Database database;
    private final Commands commands;
    private final IntSupplier connections;
    private final long started = System.nanoTime();

    Info(Database database, Commands commands, IntSupplier connections) {
        this.database = database;
        this.commands = commands;
        this.connections = connections;
    }

    /** The sections that a request asks for: all, unless it names some. */
    String text(Request request) {
        StringBuilder out = new StringBuilder();
        section(request, out, "Server",
                "server_name:netpark-sample",
                "redis_version:" + ServerCommands.VERSION,
                "redis_mode:standalone",
                "process_id:" + ProcessHandle.current().pid(),
                "uptime_in_seconds:" + (System.nanoTime() - started) / 1_000_000_000);
        section(request, out, "Clients", "connected_clients:" + connections.getAsInt());
        Runtime runtime = Runtime.getRuntime();
        section(request, out, "Memory", "used_memory:" + (runtime.totalMemory() - runtime.freeMemory()));
        section(request, out, "Stats",
                "total_commands_processed:" + commands.processed(),
                "expired_keys:" + database.expired(),
                "keyspace_hits:" + database.hits(),
                "keyspace_misses:" + database.misses());
        section(request, out, "Replication", "role:master", "connected_slaves:0");
        if (database.size() > 0) {
            section(request, out, "Keyspace", "db0:keys=" + database.size() + ",expires=" + database.expiring() + ",avg_ttl=0");
        } else {
            section(request, out, "Keyspace");
        }
        return out.toString();
    }

    private static void section(Request request, StringBuilder out, String name, String... lines) {
        if (!isAskedFor(request, name)) {
            return;
        }
        if (out.length() > 0) {
            out.append("\r\n");
        }
        out.append("# ").append(name).append("\r\n");
        for (String line : lines) {
            out.append(line).append("\r\n");
        }
    }

    private static boolean isAskedFor(Request request, String section) {
        boolean asked = request.count() == 1;
        for (int i = 1; i < request.count(); i++) {
            asked |= request.is(i, section.toLowerCase(java.util.Locale.ROOT)) || request.is(i, "all")
                    || request.is(i, "default") || request.is(i, "everything");
        }
        return asked;
    }
}
