package io.netpark.bench.looking;

import java.util.Locale;

/** What is looked at. The first is there to be compared with. */
enum Look {
    NOTHING, CONNECTIONS, HEALTH, DUMP;

    /** What a server's process is asked. */
    String command() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** For a table. */
    String label() {
        return this == NOTHING ? command() : command() + "()";
    }
}
