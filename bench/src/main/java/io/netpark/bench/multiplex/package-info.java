/** select, poll and epoll against each other. */
@org.jspecify.annotations.NullMarked
package io.netpark.bench.multiplex;
