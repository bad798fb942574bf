/** Large blocks of memory outside the heap whose owner gives them back. */
@org.jspecify.annotations.NullMarked
package io.netpark.core.heap;
