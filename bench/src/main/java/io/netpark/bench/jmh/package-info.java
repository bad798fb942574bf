/** JMH benchmarks of the small things that a request is made of. {@code bench/run jmh}. */
@org.jspecify.annotations.NullMarked
package io.netpark.bench.jmh;
