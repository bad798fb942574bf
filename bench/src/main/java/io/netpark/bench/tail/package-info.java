/** The latencies of an open loop, with collections now and then. */
@org.jspecify.annotations.NullMarked
package io.netpark.bench.tail;
