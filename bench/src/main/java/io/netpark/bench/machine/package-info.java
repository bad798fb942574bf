/** The machine: its cores, and what the kernel says that a process uses of it. */
@org.jspecify.annotations.NullMarked
package io.netpark.bench.machine;
