/** The harness: child processes, rounds, and what the kernel says about them. */
@org.jspecify.annotations.NullMarked
package io.netpark.bench.run;
