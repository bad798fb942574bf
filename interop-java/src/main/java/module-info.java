/** Callbacks and blocking calls for Java. */
module io.netpark.callback {
    requires transitive io.netpark.core;
    requires static org.jspecify;

    // Optional: a program that wants it requires it, or names it with --add-modules.
    requires static io.netpark.simulation;

    exports io.netpark.blocking;
    exports io.netpark.callback;
    exports io.netpark.callback.messages;
    exports io.netpark.callback.poller;
    exports io.netpark.callback.simulation;
    exports io.netpark.callback.socket;
}
