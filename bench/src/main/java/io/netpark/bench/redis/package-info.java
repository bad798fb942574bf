/** The redis sample beside redis-server, under redis-benchmark. */
@org.jspecify.annotations.NullMarked
package io.netpark.bench.redis;
