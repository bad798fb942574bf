/** Engines of Ktor: who takes part, what is asked of them, and the application that each serves. */
@org.jspecify.annotations.NullMarked
package io.netpark.bench.ktor;
