/**
 * Large blocks of memory outside the JVM's heap whose owner gives them back to the operating system: {@link
 * io.netpark.core.heap.Block}. What buffers are made of.
 *
 * <p>This package uses {@code core.sys}, for the choice of binding, and {@code core.memory}.
 */
@org.jspecify.annotations.NullMarked
package io.netpark.core.heap;
