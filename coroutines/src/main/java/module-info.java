/** Suspending connections, listeners and dialers for Kotlin. */
module io.netpark.coroutines {
    requires transitive io.netpark.core;
    requires transitive kotlin.stdlib;
    requires transitive kotlinx.coroutines.core;
    requires static org.jspecify;

    // Optional: a program that wants it requires it, or names it with --add-modules.
    requires static kotlinx.io.core;
    requires static io.netpark.simulation;

    exports io.netpark.coroutines;
    exports io.netpark.coroutines.handover;
    exports io.netpark.coroutines.kotlinxio;
    exports io.netpark.coroutines.loops;
    exports io.netpark.coroutines.messages;
    exports io.netpark.coroutines.simulation;
    exports io.netpark.coroutines.tls;
    exports io.netpark.coroutines.transfer;
}
