/** JMH benchmarks of the small things that a request is made of. {@code bench/run jmh}. */
package io.netpark.bench.jmh;
