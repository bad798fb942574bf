/** What a request costs the library itself: the complete stack, above a C library that answers from memory. */
@org.jspecify.annotations.NullMarked
package io.netpark.bench.own;
