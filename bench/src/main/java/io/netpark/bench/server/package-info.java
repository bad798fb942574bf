/** The servers that are compared: each a process of its own, one loop, started by {@link io.netpark.bench.server.Serve}. */
@org.jspecify.annotations.NullMarked
package io.netpark.bench.server;
