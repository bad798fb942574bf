/** What it costs to look at loops while they run, and to have them watched. */
@org.jspecify.annotations.NullMarked
package io.netpark.bench.looking;
