/** The load generator: a process of its own, one thread, closed loop, written on Netpark's poller and C calls. */
@org.jspecify.annotations.NullMarked
package io.netpark.bench.load;
