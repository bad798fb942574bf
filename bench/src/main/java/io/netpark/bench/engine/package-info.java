/** What engines of TLS cost by themselves: no sockets, both sides in one JVM. */
@org.jspecify.annotations.NullMarked
package io.netpark.bench.engine;
