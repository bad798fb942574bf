/** How long a JVM takes to listen and to answer, from its start on. */
@org.jspecify.annotations.NullMarked
package io.netpark.bench.start;
