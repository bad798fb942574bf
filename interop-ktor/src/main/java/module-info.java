/** An engine for Ktor servers, and the HTTP/1.1 that it speaks. */
module io.netpark.ktor {
    requires transitive io.netpark.coroutines;
    requires transitive kotlin.stdlib;
    requires transitive kotlinx.coroutines.core;
    requires transitive io.ktor.server.core;
    requires io.ktor.events;
    requires io.ktor.http;
    requires io.ktor.io;
    requires io.ktor.utils;
    requires kotlinx.io.core;
    requires org.slf4j;

    exports io.netpark.http;
    exports io.netpark.ktor;
    exports io.netpark.ktor.channels;
}
