/** One loop and two on two cores. */
@org.jspecify.annotations.NullMarked
package io.netpark.bench.scale;
