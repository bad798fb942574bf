/** What {@code bench/run} can do, a class a benchmark. */
@org.jspecify.annotations.NullMarked
package io.netpark.bench.command;
