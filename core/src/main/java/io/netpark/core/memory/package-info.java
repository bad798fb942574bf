/**
 * Memory that has an address, for the arguments of system calls: {@link io.netpark.core.memory.NativeMemory}, a small block, and
 * {@link io.netpark.core.memory.DirectBuffers}, which tells where a direct buffer is, by whatever way the JDK offers.
 *
 * <p>This package uses nothing of Netpark, and JNA where the JDK has no way of its own.
 */
@org.jspecify.annotations.NullMarked
package io.netpark.core.memory;
