/** How soon a loop that sleeps runs a task, beside a thread that waits on a futex. */
@org.jspecify.annotations.NullMarked
package io.netpark.bench.wake;
