/** The harness: contenders, their processes, and rounds. */
@org.jspecify.annotations.NullMarked
package io.netpark.bench.run;
