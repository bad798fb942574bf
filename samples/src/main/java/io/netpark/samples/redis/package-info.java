/** The redis sample: a server that speaks the protocol of Redis, with callbacks. */
@org.jspecify.annotations.NullMarked
package io.netpark.samples.redis;
